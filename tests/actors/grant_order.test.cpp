#include "actors/grant_order.hpp"

#include <array>
#include <vector>

#include "catch.hpp"

using namespace plimsoll::actors;

namespace {

constexpr DeviceSet first_device = 1;
constexpr DeviceSet second_device = 2;
constexpr Claim slot{1, 0, 0};
constexpr Claim one_read{0, 0, 1};

/// Tickets 0, 1, 2, ... with these devices and claims.
std::vector<Ticket> tickets(std::initializer_list<std::pair<DeviceSet, Claim>> list) {
  std::vector<Ticket> tickets;
  for (const auto& [devices, claim] : list) {
    tickets.push_back({static_cast<std::uint32_t>(tickets.size()), devices, claim});
  }
  return tickets;
}

std::vector<Ticket> equal_tickets(std::size_t count, DeviceSet devices, const Claim& claim) {
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < count; ++i) tickets.push_back({i, devices, claim});
  return tickets;
}

/// An order for engines with up to two devices, with a short way to say what it grants.
struct Engine {
  explicit Engine(std::vector<std::uint32_t> slots) : devices(slots.size()), order(slots) {}

  void add(std::uint32_t load, std::vector<Ticket> list, const Claim& own = {9, 9, 9}) {
    const std::vector<Claim> ledgers(devices, own);
    REQUIRE(order.add(load, ledgers, std::move(list)));
  }

  /// Load and unit of all that may begin now, in order.
  using Granted = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  Granted grant_all() {
    Granted granted;
    while (const auto grant = order.next()) {
      granted.emplace_back(grant->load, grant->ticket.unit);
    }
    return granted;
  }

  std::size_t devices;
  GrantOrder order;
};

using Granted = Engine::Granted;

}  // namespace

TEST_CASE("tickets are granted in their order until the credits are out") {
  Engine engine({2});
  engine.add(7, equal_tickets(4, first_device, slot));
  CHECK(engine.grant_all() == Granted{{7, 0}, {7, 1}});
  CHECK(engine.order.shared_slots_held(0) == 2);
  engine.order.give_back(7, 0, slot);
  CHECK(engine.grant_all() == Granted{{7, 2}});
}

TEST_CASE("a load's own ledger bounds it below the engine's credits") {
  Engine engine({5});
  engine.add(0, equal_tickets(4, first_device, slot), {2, 0, 0});
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 1}});
  CHECK(engine.order.own_ledger(0, 0).held() == Claim{2, 0, 0});
}

TEST_CASE("nobody overtakes within a load, though a later ticket would fit") {
  Engine engine({3});
  engine.add(0, tickets({{first_device, slot}, {first_device, {3, 0, 0}}, {first_device, slot}}));
  CHECK(engine.grant_all() == Granted{{0, 0}});
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all() == Granted{{0, 1}});
}

TEST_CASE("a ticket waits for no earlier one of other devices") {
  Engine engine({1, 1});
  engine.add(0, tickets({{first_device, slot}, {first_device, slot}, {second_device, slot}}));
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 2}});
}

TEST_CASE("a ticket for two devices is granted on both or not at all") {
  Engine engine({1, 1});
  engine.add(0, tickets({{second_device, slot},
                         {first_device | second_device, slot},
                         {first_device, slot},
                         {second_device, slot}}));
  CHECK(engine.grant_all() == Granted{{0, 0}});
  CHECK(engine.order.shared_slots_held(0) == 0);
  engine.order.give_back(0, 1, slot);
  CHECK(engine.grant_all() == Granted{{0, 1}});
  CHECK(engine.order.shared_slots_held(0) == 1);
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all() == Granted{{0, 2}});
  engine.order.give_back(0, 1, slot);
  CHECK(engine.grant_all() == Granted{{0, 3}});
}

TEST_CASE("grants alternate between loads") {
  Engine engine({1});
  engine.add(0, equal_tickets(3, first_device, slot));
  engine.add(1, equal_tickets(3, first_device, slot));
  Granted granted;
  for (Granted now = engine.grant_all(); !now.empty(); now = engine.grant_all()) {
    REQUIRE(now.size() == 1);
    granted.push_back(now[0]);
    engine.order.give_back(now[0].first, 0, slot);
  }
  CHECK(granted == Granted{{0, 0}, {1, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}});
}

TEST_CASE("grants alternate on each device, whoever was served on another one") {
  Engine engine({1, 1});
  const std::pair<DeviceSet, Claim> on_first{first_device, slot};
  const std::pair<DeviceSet, Claim> on_second{second_device, slot};
  engine.add(0, tickets({on_first, on_first, on_first, on_first, on_second, on_second, on_second}));
  engine.add(1, equal_tickets(3, second_device, slot));
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 4}});
  std::vector<std::uint32_t> served_on_second = {0};
  for (int round = 0; round < 3; ++round) {
    engine.order.give_back(0, 0, slot);
    CHECK(engine.grant_all().size() == 1);  // the first device has work for load 0 alone
    engine.order.give_back(served_on_second.back(), 1, slot);
    const Granted now = engine.grant_all();
    REQUIRE(now.size() == 1);
    served_on_second.push_back(now[0].first);
  }
  CHECK(served_on_second == std::vector<std::uint32_t>{0, 1, 0, 1});
}

TEST_CASE("slots gather for a large claim whose turn it is") {
  Engine engine({2});
  engine.add(0, equal_tickets(9, first_device, slot));
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 1}});
  engine.add(1, tickets({{first_device, {2, 0, 0}}}));
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all() == Granted{{0, 2}});  // load 1 entered behind load 0
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all().empty());
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all() == Granted{{1, 0}});
}

TEST_CASE("a load that waits for a buffer of its own keeps nobody off") {
  Engine engine({2});
  const Claim slot_and_buffer{1, 1, 0};
  engine.add(0, equal_tickets(3, first_device, slot_and_buffer), {9, 1, 9});
  CHECK(engine.grant_all() == Granted{{0, 0}});
  engine.add(1, equal_tickets(2, first_device, slot));
  CHECK(engine.grant_all() == Granted{{1, 0}});
  engine.order.give_back(0, 0, slot);  // but not its buffer
  CHECK(engine.grant_all() == Granted{{1, 1}});
}

TEST_CASE("kept units need no credits and cost no turn") {
  Engine engine({1});
  engine.add(0, equal_tickets(2, first_device, slot));
  engine.add(1,
             tickets({{first_device, one_read}, {first_device, slot}, {first_device, one_read}}));
  CHECK(engine.grant_all() == Granted{{0, 0}, {1, 0}});
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all() == Granted{{1, 1}, {1, 2}});
}

TEST_CASE("a closed load is granted nothing more and is finished when all is back") {
  Engine engine({2});
  engine.add(0, equal_tickets(5, first_device, slot));
  CHECK(engine.grant_all().size() == 2);
  engine.order.close(0);
  engine.order.give_back(0, 0, slot);
  CHECK(engine.grant_all().empty());
  CHECK_FALSE(engine.order.finished(0));
  engine.order.give_back(0, 0, slot);
  CHECK(engine.order.finished(0));
  engine.order.remove(0);
  engine.add(0, equal_tickets(1, first_device, slot));
  CHECK(engine.grant_all() == Granted{{0, 0}});
}

TEST_CASE("a load is not finished while a ticket waits, and is at once without any") {
  Engine engine({1});
  engine.add(0, {});
  CHECK(engine.order.finished(0));
  engine.add(1, equal_tickets(2, first_device, slot));
  CHECK(engine.grant_all().size() == 1);
  engine.order.give_back(1, 0, slot);
  CHECK_FALSE(engine.order.finished(1));
}

TEST_CASE("a ticket that could never be granted is refused, and its load with it") {
  const std::array<std::uint32_t, 2> slots = {2, 2};
  GrantOrder order(slots);
  const std::array<Claim, 2> own = {Claim{3, 1, 1}, Claim{1, 1, 1}};
  CHECK_FALSE(order.add(0, own, tickets({{0, slot}})));
  CHECK_FALSE(order.add(0, own, tickets({{4, slot}})));
  CHECK_FALSE(order.add(0, own, tickets({{first_device, {3, 0, 0}}})));
  CHECK_FALSE(order.add(0, own, tickets({{second_device, {2, 0, 0}}})));
  CHECK_FALSE(order.add(0, own, tickets({{first_device, {0, 2, 0}}})));
  CHECK_FALSE(order.add(0, own, tickets({{first_device, slot}, {first_device, {0, 0, 2}}})));
  CHECK_FALSE(order.next().has_value());
  CHECK(order.add(0, own, tickets({{first_device | second_device, {1, 1, 1}}})));
}

TEST_CASE("the highest device that a set can name is known to an engine that has as many") {
  const std::vector<std::uint32_t> slots(max_devices, 1);
  GrantOrder order(slots);
  const std::vector<Claim> own(max_devices, slot);
  REQUIRE(order.add(0, own, tickets({{DeviceSet{1} << 63, slot}, {~DeviceSet{0}, slot}})));
  REQUIRE(order.next().has_value());
  CHECK_FALSE(order.next().has_value());
  order.give_back(0, 63, slot);
  CHECK(order.next().has_value());
}
