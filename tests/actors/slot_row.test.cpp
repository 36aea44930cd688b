#include "actors/slot_row.hpp"

#include <random>
#include <vector>

#include "catch.hpp"

using namespace plimsoll::actors;

TEST_CASE("single slots are taken from the first on") {
  SlotRow row(3);
  CHECK(row.take(1) == 0);
  CHECK(row.take(1) == 1);
  CHECK(row.take(1) == 2);
  CHECK_FALSE(row.has(1));
}

TEST_CASE("a single slot is the one that was given back last") {
  SlotRow row(4);
  for (int i = 0; i < 4; ++i) static_cast<void>(row.take(1));
  row.give(1, 1);
  row.give(3, 1);
  row.give(0, 1);
  CHECK(row.take(1) == 0);
  CHECK(row.take(1) == 3);
  CHECK(row.take(1) == 1);
}

TEST_CASE("several slots are the first neighbours that are free") {
  SlotRow row(6);
  for (int i = 0; i < 6; ++i) static_cast<void>(row.take(1));
  row.give(0, 1);
  row.give(2, 1);
  row.give(4, 1);
  CHECK(row.has(1));
  CHECK_FALSE(row.has(2));
  row.give(5, 1);
  CHECK(row.has(2));
  CHECK_FALSE(row.has(3));
  CHECK(row.take(2) == 4);
  CHECK_FALSE(row.has(2));
  CHECK(row.take(1) == 2);
  CHECK(row.take(1) == 0);
}

TEST_CASE("neighbours that were given back together are free one by one") {
  SlotRow row(3);
  CHECK(row.take(3) == 0);
  row.give(0, 3);
  CHECK(row.take(1) < 3);
  CHECK(row.take(1) < 3);
  CHECK(row.take(1) < 3);
  CHECK_FALSE(row.has(1));
}

TEST_CASE("none are always there, more than there are never") {
  SlotRow empty;
  CHECK(empty.has(0));
  CHECK(empty.take(0) == 0);
  CHECK_FALSE(empty.has(1));
  const SlotRow row(2);
  CHECK(row.has(2));
  CHECK_FALSE(row.has(3));
}

TEST_CASE("a slot is never taken twice, and neighbours are found wherever there are some") {
  std::mt19937 random(1);
  SlotRow row(9);
  std::vector<bool> taken(9, false);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> held;
  for (int step = 0; step < 5000; ++step) {
    const auto count = static_cast<std::uint32_t>(random() % 4 + 1);
    std::uint32_t run = 0;
    bool there = false;
    for (const bool slot : taken) {
      run = slot ? 0 : run + 1;
      there = there || run == count;
    }
    REQUIRE(row.has(count) == there);
    if (there && random() % 2 == 0) {
      const std::uint32_t first = row.take(count);
      for (std::uint32_t i = first; i < first + count; ++i) {
        REQUIRE(i < taken.size());
        REQUIRE_FALSE(taken[i]);
        taken[i] = true;
      }
      held.emplace_back(first, count);
    } else if (!held.empty()) {
      const std::size_t which = random() % held.size();
      const auto [first, slots] = held[which];
      row.give(first, slots);
      for (std::uint32_t i = first; i < first + slots; ++i) taken[i] = false;
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
}
