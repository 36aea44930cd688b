#include "io/byte_source.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <new>
#include <system_error>
#include <utility>

#include "errors/printable.hpp"
#include "io/direct_source.hpp"
#include "io/page_cache.hpp"
#include "io/pread_source.hpp"

namespace plimsoll::io {
namespace {

/// From this share on, reading all of it from the disk again costs more than the page cache's gaps.
constexpr double mostly_cached = 0.5;

/// An unknown share counts as cached: pread works everywhere.
SourceKind choose(const std::vector<SourceFile>& files, SystemCalls& calls) {
  const auto share = cached_share(files, calls);
  return share.value_or(1.0) >= mostly_cached ? SourceKind::pread : SourceKind::direct;
}

/// The reason is the same for all sources of a process: it is logged for the first one. Only where
/// the program has a logger for us; spdlog's default one would print.
void warn_of_fallback(const Error& error) {
  const auto log = spdlog::get("plimsoll");
  static std::atomic<bool> warned = false;
  if (log == nullptr || warned.exchange(true)) return;
  log->warn("direct reads are not possible here, reading through the page cache: {}", error.what());
}

}  // namespace

Expected<std::unique_ptr<ByteSource>> open_byte_source(std::vector<SourceFile> files,
                                                       SourceKind kind, unsigned io_threads,
                                                       SourceKind* used, SystemCalls& calls) try {
  if (kind == SourceKind::automatic) kind = choose(files, calls);
  std::unique_ptr<ByteSource> source;
  if (kind == SourceKind::direct) {
    auto direct = DirectSource::open(files, calls);
    if (direct) {
      source = *std::move(direct);
    } else {
      warn_of_fallback(direct.error());
      kind = SourceKind::pread;
    }
  }
  if (!source) source = std::make_unique<PreadSource>(std::move(files), io_threads, calls);
  if (used != nullptr) *used = kind;
  return source;
} catch (const std::system_error& error) {
  return fail(ErrorCode::read_failed, std::string("cannot start reading threads: ") + error.what());
}

Expected<std::unique_ptr<ByteSource>> open_byte_source(std::vector<SourceFile> files,
                                                       SourceKind kind, unsigned io_threads,
                                                       SourceKind* used) {
  return open_byte_source(std::move(files), kind, io_threads, used, SystemCalls::real());
}

}  // namespace plimsoll::io
