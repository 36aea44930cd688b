#include "gpu/host_device.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::gpu::HostDevice;
using plimsoll::gpu::Memory;

TEST_CASE("memory is zero, page aligned and counted while it lives") {
  HostDevice device("host", 0);
  {
    auto memory = device.allocate(5'000'001);
    REQUIRE(memory);
    CHECK(device.held() == 5'000'001);
    CHECK(reinterpret_cast<std::uintptr_t>(memory->address()) % 4096 == 0);
    CHECK(memory->address()[5'000'000] == std::byte{0});
    std::memset(memory->address(), 1, memory->bytes());
    Memory moved = std::move(*memory);
    CHECK(device.held() == 5'000'001);
    CHECK(moved.bytes() == 5'000'001);
  }
  CHECK(device.held() == 0);
}

TEST_CASE("a request over the limit is refused and changes nothing") {
  HostDevice device("host:1", 1000);
  auto first = device.allocate(600);
  REQUIRE(first);
  const auto second = device.allocate(401);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == ErrorCode::out_of_memory);
  CHECK(device.held() == 600);
  CHECK(device.allocate(400));
  CHECK_FALSE(device.allocate(~std::uint64_t{0}));
}

TEST_CASE("an absurd request without a limit is an error, not a crash") {
  HostDevice device("host", 0);
  const auto memory = device.allocate(std::uint64_t{1} << 60);
  REQUIRE_FALSE(memory);
  CHECK(memory.error().code() == ErrorCode::out_of_memory);
  CHECK(device.held() == 0);
}

TEST_CASE("threads that compete for the last bytes never exceed the limit together") {
  HostDevice device("host", 64 * 4096);
  std::vector<std::thread> threads;
  std::atomic<bool> exceeded{false};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        std::vector<Memory> held;
        while (auto memory = device.allocate(4096)) held.push_back(std::move(*memory));
        if (device.held() > device.limit()) exceeded = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(exceeded);
  CHECK(device.held() == 0);
}
