#include "io/pread_source.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <utility>

#include "io/read_request.hpp"
#include "io/regular_file.hpp"

namespace plimsoll::io {
struct PreadSource::Request {
  ReadDone done;
  std::mutex mutex;
  std::size_t pieces_left = 0;
  std::optional<Error> error;  // the first one
};

PreadSource::PreadSource(std::vector<SourceFile> files, unsigned threads, SystemCalls& calls)
    : calls_(calls), files_(std::move(files), calls) {
  try {
    while (threads_.size() < std::max(threads, 1u)) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

PreadSource::~PreadSource() {
  stop();
}

void PreadSource::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool PreadSource::try_read(std::span<const ReadRange> ranges) noexcept {
  if (!has_nowait_.load(std::memory_order_relaxed)) return false;
  if (find_unreadable(ranges, files_.files())) return false;
  for (const ReadRange& range : ranges) {
    if (range.bytes == 0) continue;
    const auto lease = files_.take(range.file);
    if (!lease) return false;
    const iovec part{range.destination, range.bytes};
    ssize_t got = 0;
    do {
      got = calls_.preadv2(lease->descriptor(), &part, 1, static_cast<off_t>(range.offset),
                           RWF_NOWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
      has_nowait_.store(false, std::memory_order_relaxed);
    }
    if (got < 0 || static_cast<std::uint64_t>(got) != range.bytes) return false;
  }
  return true;
}

void PreadSource::start(std::span<const ReadRange> ranges, ReadDone done) {
  auto request = std::make_shared<Request>();
  request->done = std::move(done);
  request->error = find_unreadable(ranges, files_.files());
  std::vector<Piece> pieces;
  if (!request->error) {
    for (const ReadRange& range : ranges) {
      for (std::uint64_t at = 0; at < range.bytes; at += piece_bytes) {
        ReadRange piece = range;
        piece.offset += at;
        piece.destination += at;
        piece.bytes = std::min(piece_bytes, range.bytes - at);
        pieces.push_back({request, piece});
      }
    }
  }
  // Nothing to read, or nothing that can be: a thread still has to say so.
  if (pieces.empty()) pieces.push_back({request, ReadRange{}});
  request->pieces_left = pieces.size();
  const std::lock_guard lock(mutex_);
  std::move(pieces.begin(), pieces.end(), std::back_inserter(pieces_));
  // Under the lock: once all is read, this source may be gone.
  pieces.size() == 1 ? changed_.notify_one() : changed_.notify_all();
}

void PreadSource::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !pieces_.empty(); });
    if (pieces_.empty()) return;
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    lock.unlock();
    finish(std::move(piece));
    lock.lock();
  }
}

void PreadSource::finish(Piece piece) {
  Request& request = *piece.request;
  bool failed = false;
  {
    const std::lock_guard lock(request.mutex);
    failed = request.error.has_value();
  }
  Expected<void> result;
  if (!failed && piece.range.bytes > 0) result = read(piece.range);
  {
    const std::lock_guard lock(request.mutex);
    if (!result && !request.error) request.error = std::move(result.error());
    if (--request.pieces_left > 0) return;
  }
  if (request.error) {
    request.done(fail(*request.error));
  } else {
    request.done({});
  }
}

Expected<void> PreadSource::read(const ReadRange& range) {
  const auto lease = files_.take(range.file);
  if (!lease) return fail(lease.error());
  const std::string& path = files_.files()[range.file].path;
  for (std::uint64_t at = 0; at < range.bytes;) {
    const iovec part{range.destination + at, range.bytes - at};
    const ssize_t got =
        calls_.preadv2(lease->descriptor(), &part, 1, static_cast<off_t>(range.offset + at), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(ErrorCode::read_failed, system_reason("cannot read", errno), path);
    }
    if (got == 0) return fail(ErrorCode::read_failed, "the file ended early", path);
    at += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace plimsoll::io
