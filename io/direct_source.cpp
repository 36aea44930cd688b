#include "io/direct_source.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/read_request.hpp"
#include "io/regular_file.hpp"

namespace plimsoll::io {
namespace {

constexpr std::uint64_t round_down(std::uint64_t value) {
  return value & ~(direct_alignment - 1);
}

constexpr std::uint64_t round_up(std::uint64_t value) {
  return round_down(value + direct_alignment - 1);
}

/// Whether the aligned bytes around the range may be read straight to where they belong.
bool goes_in_place(const ReadRange& range) {
  const auto address = reinterpret_cast<std::uintptr_t>(range.destination);
  return range.padded && (address - range.offset) % direct_alignment == 0;
}

/// Why a ring cannot be used for these files; nothing if a trial read works.
std::optional<std::string> find_obstacle(const std::vector<SourceFile>& files, OpenFiles& opened,
                                         ReadRing& ring, std::byte* buffer) {
  const auto with_bytes = std::find_if(files.begin(), files.end(),
                                       [](const SourceFile& file) { return file.bytes > 0; });
  if (with_bytes == files.end()) return std::nullopt;
  const auto lease = opened.take(static_cast<std::uint32_t>(with_bytes - files.begin()));
  if (!lease) return std::nullopt;  // whoever reads this file will hear of it
  if (!lease->has_extra_flags()) return "the file system does not support O_DIRECT";
  while (true) {
    ring.queue({lease->descriptor(), 0, direct_alignment, buffer, 0});
    std::span<const RingCompletion> completions;
    do {
      completions = ring.wait();
    } while (completions.empty());
    const int result = completions.front().result;
    if (result == -EINTR || result == -EAGAIN) continue;
    if (result == -EINVAL) return "the file system does not support aligned direct reads";
    if (result == -EOPNOTSUPP || result == -ENOSYS || result == -EPERM || result == -EACCES) {
      return system_reason("direct reads are refused", -result);
    }
    return std::nullopt;
  }
}

}  // namespace

struct DirectSource::Request {
  std::vector<ReadRange> ranges;
  ReadDone done;
  std::size_t range = 0;       // the one to be cut next
  std::uint64_t position = 0;  // up to where in its file it has been cut
  std::size_t under_way = 0;   // chunks
  std::optional<Error> error;  // the first one; nothing is issued after it

  [[nodiscard]] bool is_issued() const { return error.has_value() || range == ranges.size(); }
};

struct DirectSource::Chunk {
  Request* request = nullptr;
  std::optional<OpenFiles::Lease> lease;
  std::uint32_t file = 0;
  std::uint64_t offset = 0;     // in the file, aligned
  std::uint64_t end = 0;        // of the wanted bytes: at most the end of the file
  std::byte* target = nullptr;  // aligned; where the byte at `offset` goes
  std::byte* buffer = nullptr;  // the bounce buffer, if the bytes are to be copied from it:
  std::byte* copy_to = nullptr;
  std::uint64_t copy_offset = 0;  // in the buffer
  std::uint64_t copy_bytes = 0;
};

Expected<std::unique_ptr<DirectSource>> DirectSource::open(std::vector<SourceFile> files,
                                                           SystemCalls& calls) {
  auto ring = calls.open_ring(depth);
  if (!ring) {
    return fail(ErrorCode::unsupported, system_reason("io_uring is not available", errno));
  }
  auto buffers = AlignedBuffers::allocate(buffer_count, chunk_bytes);
  if (!buffers) return fail(ErrorCode::out_of_memory, "no memory for buffers of direct reads");
  std::unique_ptr<DirectSource> source(
      new DirectSource(std::move(files), calls, std::move(ring), *std::move(buffers)));
  std::byte* buffer = source->buffers_.take();
  auto obstacle = find_obstacle(source->files_.files(), source->files_, *source->ring_, buffer);
  source->buffers_.give_back(buffer);
  if (obstacle) return fail(ErrorCode::unsupported, *std::move(obstacle));
  source->thread_ = std::thread([s = source.get()] { s->serve(); });
  return source;
}

DirectSource::DirectSource(std::vector<SourceFile> files, SystemCalls& calls,
                           std::unique_ptr<ReadRing> ring, AlignedBuffers buffers)
    : files_(std::move(files), calls, O_DIRECT),
      ring_(std::move(ring)),
      buffers_(std::move(buffers)) {
  for (std::uint32_t slot = 0; slot < depth; ++slot) {
    chunks_[slot] = std::make_unique<Chunk>();
    free_chunks_.push_back(slot);
  }
}

DirectSource::~DirectSource() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ring_->wake();
  thread_.join();
}

bool DirectSource::try_read(std::span<const ReadRange> ranges) noexcept {
  return ranges.empty();
}

void DirectSource::start(std::span<const ReadRange> ranges, ReadDone done) {
  auto request = std::make_unique<Request>();
  request->done = std::move(done);
  request->error = find_unreadable(ranges, files_.files());
  for (const ReadRange& range : ranges) {
    if (range.bytes > 0) request->ranges.push_back(range);
  }
  const std::lock_guard lock(mutex_);
  arrived_.push_back(std::move(request));
  // Under the lock: once all is read, this source may be gone, and its ring's descriptor another's.
  ring_->wake();
}

void DirectSource::serve() {
  while (take_new_requests()) {
    issue();
    for (const RingCompletion& completion : ring_->wait()) complete(completion);
  }
}

/// False when all is read and no more will come.
bool DirectSource::take_new_requests() {
  const std::lock_guard lock(mutex_);
  for (auto& request : arrived_) issuing_.push_back(std::move(request));
  arrived_.clear();
  return !stopping_ || !issuing_.empty() || !issued_.empty();
}

void DirectSource::issue() {
  while (!issuing_.empty()) {
    Request& request = *issuing_.front();
    while (!request.is_issued()) {
      if (!issue_next(request)) return;
    }
    issued_.push_back(std::move(issuing_.front()));
    issuing_.pop_front();
    finish_if_over(request);
  }
}

/// Cuts the next chunk and sends it. False if that must wait for one that is under way.
bool DirectSource::issue_next(Request& request) {
  const ReadRange& range = request.ranges[request.range];
  const std::uint64_t range_end = range.offset + range.bytes;
  const bool in_place = goes_in_place(range);
  if (free_chunks_.empty()) return false;
  std::byte* buffer = in_place ? nullptr : buffers_.take();
  if (!in_place && buffer == nullptr) return false;

  auto lease = files_.take(range.file);
  if (!lease) {
    if (buffer != nullptr) buffers_.give_back(buffer);
    request.error = std::move(lease.error());
    return true;
  }
  const std::uint64_t begin = std::max(range.offset, request.position);
  const std::uint32_t slot = free_chunks_.back();
  free_chunks_.pop_back();
  Chunk& chunk = *chunks_[slot];
  chunk.request = &request;
  chunk.lease = *std::move(lease);
  chunk.file = range.file;
  chunk.offset = round_down(begin);
  const std::uint64_t end = std::min(range_end, chunk.offset + chunk_bytes);
  chunk.end = end;
  chunk.buffer = buffer;
  if (in_place) {
    chunk.target = range.destination - (range.offset - round_down(range.offset)) +
                   (chunk.offset - round_down(range.offset));
  } else {
    chunk.target = buffer;
    chunk.copy_to = range.destination + (begin - range.offset);
    chunk.copy_offset = begin - chunk.offset;
    chunk.copy_bytes = end - begin;
  }
  ++request.under_way;
  request.position = end;
  if (end == range_end) {
    ++request.range;
    request.position = 0;
  }
  send(slot);
  return true;
}

void DirectSource::send(std::uint32_t slot) {
  const Chunk& chunk = *chunks_[slot];
  const auto bytes = static_cast<std::uint32_t>(round_up(chunk.end) - chunk.offset);
  ring_->queue({chunk.lease->descriptor(), chunk.offset, bytes, chunk.target, slot});
}

void DirectSource::complete(const RingCompletion& completion) {
  Chunk& chunk = *chunks_[completion.token];
  const std::string& path = files_.files()[chunk.file].path;
  if (completion.result == -EINTR || completion.result == -EAGAIN) {
    send(completion.token);
    return;
  }
  if (completion.result < 0) {
    settle(completion.token,
           Error(ErrorCode::read_failed, system_reason("cannot read", -completion.result), path));
    return;
  }
  const auto got = static_cast<std::uint64_t>(completion.result);
  if (chunk.offset + got >= chunk.end) {
    settle(completion.token, std::nullopt);
    return;
  }
  // Only the end of a file cuts a direct read at other than an aligned place.
  const std::uint64_t progress = round_down(got);
  if (progress == 0) {
    settle(completion.token, Error(ErrorCode::read_failed, "the file ended early", path));
    return;
  }
  chunk.offset += progress;
  chunk.target += progress;
  send(completion.token);
}

/// Ends a chunk: copies what came through a buffer and frees all it held.
void DirectSource::settle(std::uint32_t slot, std::optional<Error> error) {
  Chunk& chunk = *chunks_[slot];
  Request& request = *chunk.request;
  if (chunk.buffer != nullptr) {
    if (!error) std::memcpy(chunk.copy_to, chunk.buffer + chunk.copy_offset, chunk.copy_bytes);
    buffers_.give_back(chunk.buffer);
  }
  chunk = Chunk{};
  free_chunks_.push_back(slot);
  if (error && !request.error) request.error = std::move(error);
  --request.under_way;
  finish_if_over(request);
}

/// A request that is still being cut ends when issue() comes to it.
void DirectSource::finish_if_over(Request& request) {
  if (request.under_way > 0 || !request.is_issued()) return;
  const auto place = std::find_if(issued_.begin(), issued_.end(),
                                  [&](const auto& issued) { return issued.get() == &request; });
  if (place == issued_.end()) return;
  const std::unique_ptr<Request> over = std::move(*place);
  issued_.erase(place);
  if (over->error) {
    over->done(fail(*std::move(over->error)));
  } else {
    over->done({});
  }
}

}  // namespace plimsoll::io
