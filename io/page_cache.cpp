#include "io/page_cache.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/open_files.hpp"

namespace plimsoll::io {
namespace {

constexpr std::uint64_t most_samples = 64;

/// Bytes that one sample stands for at least: a page.
constexpr std::uint64_t page_bytes = 4096;

}  // namespace

std::optional<double> cached_share(const std::vector<SourceFile>& files, SystemCalls& calls) {
  std::uint64_t all_bytes = 0;
  for (const SourceFile& file : files) all_bytes += file.bytes;
  const std::uint64_t samples = std::clamp(all_bytes / page_bytes, std::uint64_t{1}, most_samples);
  const std::uint64_t stride = all_bytes / samples;

  OpenFiles opened(files, calls, 0, 1);
  std::uint64_t asked = 0;
  std::uint64_t cached = 0;
  std::uint64_t file_begin = 0;
  std::uint64_t sample = stride / 2;  // position in all files laid end to end
  for (std::uint32_t file = 0; file < files.size(); ++file) {
    const std::uint64_t file_end = file_begin + files[file].bytes;
    for (; sample < file_end && stride > 0; sample += stride) {
      const auto lease = opened.take(file);
      if (!lease) continue;
      char byte = 0;
      const iovec part{&byte, 1};
      const auto offset = static_cast<off_t>(sample - file_begin);
      const ssize_t got = calls.preadv2(lease->descriptor(), &part, 1, offset, RWF_NOWAIT);
      if (got < 0 && errno != EAGAIN && errno != EINTR) return std::nullopt;
      ++asked;
      if (got == 1) ++cached;
    }
    file_begin = file_end;
  }
  if (asked == 0) return std::nullopt;
  return static_cast<double>(cached) / static_cast<double>(asked);
}

}  // namespace plimsoll::io
