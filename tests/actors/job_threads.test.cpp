#include "actors/job_threads.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"

using plimsoll::actors::JobThreads;

TEST_CASE("one thread does its jobs in the order they were added") {
  std::vector<int> order;
  {
    JobThreads threads(1);
    for (int i = 0; i < 100; ++i) threads.add([&order, i] { order.push_back(i); });
  }
  REQUIRE(order.size() == 100);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("what is queued when the threads are destroyed is still done") {
  std::atomic<int> done = 0;
  std::promise<void> gate;
  {
    JobThreads threads(2);
    const std::shared_future<void> open = gate.get_future().share();
    for (int i = 0; i < 2; ++i) threads.add([open] { open.wait(); });
    for (int i = 0; i < 50; ++i) threads.add([&done] { ++done; });
    CHECK(done == 0);  // both threads stand at the gate
    gate.set_value();
  }
  CHECK(done == 50);
}

TEST_CASE("as many jobs run side by side as there are threads") {
  constexpr int count = 3;
  std::vector<std::promise<void>> arrived(count);
  std::atomic<int> met = 0;
  {
    JobThreads threads(count);
    // Every job waits for all others to have begun: with fewer threads none would end.
    std::vector<std::shared_future<void>> all;
    for (std::promise<void>& one : arrived) all.push_back(one.get_future().share());
    for (int i = 0; i < count; ++i) {
      threads.add([&arrived, &met, all, i] {
        arrived[static_cast<std::size_t>(i)].set_value();
        for (const std::shared_future<void>& one : all) one.wait();
        ++met;
      });
    }
  }
  CHECK(met == count);
}

TEST_CASE("jobs may be added by many threads, and by jobs") {
  std::atomic<int> done = 0;
  {
    JobThreads threads(2);
    JobThreads adders(4);
    for (int i = 0; i < 100; ++i) {
      adders.add([&] { threads.add([&] { threads.add([&done] { ++done; }); }); });
    }
  }
  CHECK(done == 100);
}

// The one who added the job may still be inside add(): the thread sanitizer watches what it
// touches.
TEST_CASE("the threads may go once the last job has run") {
  for (int round = 0; round < 200; ++round) {
    std::promise<void> ran;
    auto threads = std::make_unique<JobThreads>(1);
    std::thread adder([&ran, to = threads.get()] { to->add([&ran] { ran.set_value(); }); });
    ran.get_future().wait();
    threads.reset();
    adder.join();
  }
}

TEST_CASE("what a job holds is let go before the next one begins") {
  JobThreads threads(1);
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = held;
  threads.add([held = std::move(held)] {});
  std::promise<bool> gone;
  threads.add([&] { gone.set_value(watched.expired()); });
  CHECK(gone.get_future().get());
}
