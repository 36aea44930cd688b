#include "trace/recorder.hpp"

#include <cstdlib>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "catch.hpp"

using plimsoll::trace::Clock;
using plimsoll::trace::Event;
using plimsoll::trace::EventKind;
using plimsoll::trace::Recorder;

namespace {
thread_local bool refuse_memory = false;

void* allocate_or_null(std::size_t bytes) noexcept {
  return refuse_memory ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}

void* allocate(std::size_t bytes) {
  void* memory = allocate_or_null(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// The program's own allocation, so that a test can refuse it.
void* operator new(std::size_t bytes) {
  return allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return allocate(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate_or_null(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate_or_null(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

class ManualClock : public Clock {
 public:
  [[nodiscard]] std::uint64_t now_ns() const noexcept override { return time_ns; }
  std::uint64_t time_ns = 0;
};

/// Every look moves it on, from whatever thread.
class CountingClock : public Clock {
 public:
  [[nodiscard]] std::uint64_t now_ns() const noexcept override { return time_.fetch_add(1); }

 private:
  mutable std::atomic<std::uint64_t> time_{0};
};

Event of_unit(std::uint32_t unit) {
  return {.unit = unit, .kind = EventKind::read};
}

}  // namespace

TEST_CASE("times count from the recorder's start, on its clock") {
  ManualClock clock;
  clock.time_ns = 1000;
  Recorder recorder(clock, true);
  recorder.record(of_unit(1));
  clock.time_ns = 1500;
  recorder.record({.time_ns = 77, .bytes = 3, .unit = 2, .device = 4, .kind = EventKind::write});
  const std::vector<Event> events = recorder.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0] == of_unit(1));
  CHECK(events[1] ==
        Event{.time_ns = 500, .bytes = 3, .unit = 2, .device = 4, .kind = EventKind::write});
}

TEST_CASE("a disabled recorder keeps nothing") {
  const ManualClock clock;
  Recorder recorder(clock, false);
  recorder.record(of_unit(1));
  CHECK_FALSE(recorder.enabled());
  CHECK(recorder.events().empty());
  CHECK(recorder.dropped() == 0);
}

TEST_CASE("events of equal time stay in the order in which their thread recorded them") {
  const ManualClock clock;
  Recorder recorder(clock, true);
  constexpr std::uint32_t count = 20000;
  for (std::uint32_t i = 0; i < count; ++i) recorder.record(of_unit(i));
  const std::vector<Event> events = recorder.events();
  REQUIRE(events.size() == count);
  bool in_order = true;
  for (std::uint32_t i = 0; i < count; ++i) in_order = in_order && events[i].unit == i;
  CHECK(in_order);
}

TEST_CASE("events of many threads all arrive, in order of time, each thread's in its own order") {
  const CountingClock clock;
  Recorder recorder(clock, true);
  constexpr std::uint32_t per_thread = 10000;
  std::vector<std::thread> threads;
  for (std::uint32_t load = 0; load < 4; ++load) {
    threads.emplace_back([&recorder, load] {
      for (std::uint32_t i = 0; i < per_thread; ++i) recorder.record({.load = load, .unit = i});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<Event> events = recorder.events();
  REQUIRE(events.size() == 4 * per_thread);
  std::vector<std::uint32_t> next(4, 0);
  std::uint64_t time = 0;
  bool in_order = true;
  for (const Event& event : events) {
    in_order = in_order && event.unit == next[event.load]++ && event.time_ns >= time;
    time = event.time_ns;
  }
  CHECK(in_order);
}

TEST_CASE("recorders that are alive together keep their events apart") {
  const ManualClock clock;
  // More than a thread remembers buffers of, so that the memory is exercised too.
  std::vector<std::unique_ptr<Recorder>> recorders;
  for (int i = 0; i < 9; ++i) recorders.push_back(std::make_unique<Recorder>(clock, true));
  for (std::uint32_t round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < recorders.size(); ++i) {
      recorders[i]->record({.load = round, .unit = i});
    }
  }
  for (std::uint32_t i = 0; i < recorders.size(); ++i) {
    const std::vector<Event> events = recorders[i]->events();
    REQUIRE(events.size() == 3);
    for (std::uint32_t round = 0; round < 3; ++round) {
      CHECK(events[round] == Event{.load = round, .unit = i});
    }
  }
}

TEST_CASE("a recorder at the address of a destroyed one starts empty") {
  const ManualClock clock;
  std::optional<Recorder> recorder;
  for (std::uint32_t i = 0; i < 100; ++i) {
    recorder.emplace(clock, true);
    recorder->record(of_unit(i));
    const std::vector<Event> events = recorder->events();
    REQUIRE(events.size() == 1);
    REQUIRE(events[0].unit == i);
  }
}

TEST_CASE("without memory events are dropped and counted, and recording goes on afterwards") {
  const ManualClock clock;
  Recorder recorder(clock, true);
  refuse_memory = true;
  recorder.record(of_unit(1));
  recorder.record(of_unit(2));
  refuse_memory = false;
  recorder.record(of_unit(3));
  CHECK(recorder.dropped() == 2);
  const std::vector<Event> events = recorder.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].unit == 3);

  // The same where the thread has a buffer already, which then fills up.
  refuse_memory = true;
  for (std::uint32_t i = 0; i < 10000; ++i) recorder.record(of_unit(i));
  refuse_memory = false;
  CHECK(recorder.dropped() + recorder.events().size() == 10003);
  CHECK(recorder.dropped() > 2);
}

TEST_CASE("a thread can follow its own events as they come") {
  const ManualClock clock;
  Recorder recorder(clock, true);
  std::thread([&] { recorder.record(of_unit(99)); }).join();
  CHECK(recorder.events_here(0).empty());
  std::uint32_t recorded = 0;
  std::size_t seen = 0;
  bool in_order = true;
  for (const std::uint32_t batch : {1u, 62u, 2u, 0u, 20'000u, 1u}) {
    for (std::uint32_t i = 0; i < batch; ++i) recorder.record(of_unit(recorded++));
    for (const Event& event : recorder.events_here(seen)) {
      in_order = in_order && event.unit == seen++;
    }
    REQUIRE(seen == recorded);
  }
  CHECK(in_order);
  CHECK(recorder.events_here(recorded + 1).empty());
}
