#include "actors/ledger.hpp"

#include <random>
#include <vector>

#include "catch.hpp"

using plimsoll::actors::Claim;
using plimsoll::actors::Ledger;

TEST_CASE("a claim fits while there is room for each of its parts") {
  Ledger ledger({2, 3, 1});
  CHECK(ledger.fits({2, 3, 1}));
  CHECK_FALSE(ledger.fits({3, 0, 0}));
  CHECK_FALSE(ledger.fits({0, 4, 0}));
  CHECK_FALSE(ledger.fits({0, 0, 2}));
  ledger.take({1, 2, 1});
  CHECK(ledger.held() == Claim{1, 2, 1});
  CHECK(ledger.fits({1, 1, 0}));
  CHECK_FALSE(ledger.fits({2, 0, 0}));
  CHECK_FALSE(ledger.fits({0, 2, 0}));
  CHECK_FALSE(ledger.fits({0, 0, 1}));
}

TEST_CASE("a claim larger than any number wraps nothing") {
  Ledger ledger({2, 2, 2});
  ledger.take({1, 1, 1});
  CHECK_FALSE(ledger.fits({~0u, 0, 0}));
  CHECK_FALSE(ledger.fits({0, ~0u, 0}));
  CHECK_FALSE(ledger.fits({0, 0, ~0u}));
}

TEST_CASE("an empty ledger has room for an empty claim alone") {
  const Ledger ledger;
  CHECK(ledger.fits({}));
  CHECK_FALSE(ledger.fits({1, 0, 0}));
}

TEST_CASE("what is given back in parts can be taken again") {
  Ledger ledger({1, 1, 1});
  ledger.take({1, 1, 0});
  ledger.give({1, 0, 0});
  CHECK(ledger.held() == Claim{0, 1, 0});
  CHECK(ledger.fits({1, 0, 1}));
  CHECK_FALSE(ledger.fits({1, 1, 0}));
  ledger.give({0, 1, 0});
  CHECK(ledger.held() == Claim{});
  CHECK(ledger.capacity() == Claim{1, 1, 1});
}

TEST_CASE("a ledger holds the sum of what was taken, and never more than its capacity") {
  std::mt19937 random(1);
  const auto below = [&](std::uint32_t count) {
    return static_cast<std::uint32_t>(random() % count);
  };
  const Claim capacity{7, 5, 3};
  Ledger ledger(capacity);
  std::vector<Claim> taken;
  bool agrees = true;
  for (int step = 0; step < 20'000; ++step) {
    Claim sum;
    for (const Claim& claim : taken) {
      sum.slots += claim.slots;
      sum.outputs += claim.outputs;
      sum.reads += claim.reads;
    }
    agrees = agrees && ledger.held() == sum && sum.slots <= capacity.slots &&
             sum.outputs <= capacity.outputs && sum.reads <= capacity.reads;
    const Claim claim{below(4), below(3), below(3)};
    const bool room = sum.slots + claim.slots <= capacity.slots &&
                      sum.outputs + claim.outputs <= capacity.outputs &&
                      sum.reads + claim.reads <= capacity.reads;
    agrees = agrees && ledger.fits(claim) == room;
    if (room && below(3) > 0) {
      ledger.take(claim);
      taken.push_back(claim);
    } else if (!taken.empty()) {
      const std::size_t index = below(static_cast<std::uint32_t>(taken.size()));
      ledger.give(taken[index]);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
  CHECK(agrees);
}
