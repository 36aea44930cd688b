#include "trace/recorder.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <mutex>

namespace plimsoll::trace {
namespace {

// The first chunk is small because a simulation makes a recorder for every seed.
constexpr std::size_t first_chunk_events = 64;
constexpr std::size_t largest_chunk_events = 4096;

/// What one thread appends to; nobody else touches it until events() is called.
class ThreadBuffer {
 public:
  /// Throws std::bad_alloc, and is then unchanged.
  void append(const Event& event) {
    if (chunks_.empty() || chunks_.back().size() == chunks_.back().capacity()) add_chunk();
    chunks_.back().push_back(event);
    ++count_;
  }

  [[nodiscard]] const std::vector<std::vector<Event>>& chunks() const noexcept { return chunks_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  void add_chunk() {
    const std::size_t previous = chunks_.empty() ? 0 : chunks_.back().capacity();
    std::vector<Event> chunk;
    chunk.reserve(std::clamp(previous * 2, first_chunk_events, largest_chunk_events));
    chunks_.push_back(std::move(chunk));
  }

  std::vector<std::vector<Event>> chunks_;
  std::size_t count_ = 0;
};

/// Never reused, unlike a thread's own id, whose next owner would inherit a buffer without having
/// synchronized with the thread that filled it.
std::uint64_t this_thread_number() noexcept {
  static std::atomic<std::uint64_t> next{0};
  thread_local const std::uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

/// Recorders are told apart by a number: the address of a destroyed one may come back.
std::uint64_t next_generation() noexcept {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

/// The calling thread's buffers in the recorders it used last. Entries of destroyed recorders are
/// never followed, since no living recorder has their generation.
struct CachedBuffer {
  std::uint64_t generation = 0;
  ThreadBuffer* buffer = nullptr;
};
constexpr std::size_t cached_buffers = 4;
thread_local std::array<CachedBuffer, cached_buffers> cache;

}  // namespace

struct Recorder::Buffers {
  const std::uint64_t generation = next_generation();
  const std::uint64_t start_ns;
  std::atomic<std::uint64_t> dropped{0};
  mutable std::mutex mutex;
  // By number of the thread: equal times come out in the order in which threads first recorded
  // anything at all.
  std::map<std::uint64_t, ThreadBuffer> threads;

  explicit Buffers(std::uint64_t now_ns) : start_ns(now_ns) {}

  ThreadBuffer& of_this_thread() {
    for (const CachedBuffer& entry : cache) {
      if (entry.generation == generation) return *entry.buffer;
    }
    ThreadBuffer* buffer = nullptr;
    {
      const std::lock_guard lock(mutex);
      buffer = &threads[this_thread_number()];
    }
    std::move_backward(cache.begin(), cache.end() - 1, cache.end());
    cache.front() = {generation, buffer};
    return *buffer;
  }
};

Recorder::Recorder(const Clock& clock, bool enabled)
    : buffers_(std::make_unique<Buffers>(enabled ? clock.now_ns() : 0)),
      clock_(clock),
      enabled_(enabled) {}

Recorder::~Recorder() = default;

void Recorder::append(Event event) noexcept {
  try {
    event.time_ns = clock_.now_ns() - buffers_->start_ns;
    buffers_->of_this_thread().append(event);
  } catch (...) {
    buffers_->dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

std::vector<Event> Recorder::events() const {
  const std::lock_guard lock(buffers_->mutex);
  std::size_t count = 0;
  for (const auto& [thread, buffer] : buffers_->threads) {
    for (const std::vector<Event>& chunk : buffer.chunks()) count += chunk.size();
  }
  std::vector<Event> all;
  all.reserve(count);
  for (const auto& [thread, buffer] : buffers_->threads) {
    for (const std::vector<Event>& chunk : buffer.chunks()) {
      all.insert(all.end(), chunk.begin(), chunk.end());
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Event& a, const Event& b) { return a.time_ns < b.time_ns; });
  return all;
}

std::vector<Event> Recorder::events_here(std::size_t first) const {
  const std::vector<std::vector<Event>>& chunks = buffers_->of_this_thread().chunks();
  auto chunk = chunks.end();
  std::size_t begin = buffers_->of_this_thread().count();
  std::vector<Event> events;
  if (first >= begin) return events;
  do {
    --chunk;
    begin -= chunk->size();
  } while (begin > first);
  events.insert(events.end(), chunk->begin() + static_cast<std::ptrdiff_t>(first - begin),
                chunk->end());
  while (++chunk != chunks.end()) events.insert(events.end(), chunk->begin(), chunk->end());
  return events;
}

std::uint64_t Recorder::start_ns() const noexcept {
  return buffers_->start_ns;
}

std::uint64_t Recorder::dropped() const noexcept {
  return buffers_->dropped.load(std::memory_order_relaxed);
}

}  // namespace plimsoll::trace
