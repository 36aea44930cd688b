#include "actors/grant_order.hpp"

#include <algorithm>
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
    tickets.push_back({static_cast<std::uint32_t>(tickets.size()), devices, claim, false});
  }
  return tickets;
}

std::vector<Ticket> equal_tickets(std::size_t count, DeviceSet devices, const Claim& claim) {
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < count; ++i) tickets.push_back({i, devices, claim, false});
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
      std::size_t place = 0;
      for (std::uint32_t device = 0; device < devices; ++device) {
        const bool named = (grant->ticket.devices >> device & 1) != 0;
        if (!named || grant->ticket.claim.slots == 0) continue;
        held.push_back(
            {grant->load, grant->ticket.unit, device, grant->ticket.claim, grant->places[place++]});
      }
    }
    return granted;
  }

  /// What was granted slots, and the first of them.
  struct Held {
    std::uint32_t load;
    std::uint32_t unit;
    std::uint32_t device;
    Claim claim;
    std::uint32_t place;
  };

  /// The slots that the load was granted first of those it still has there.
  void give_back(std::uint32_t load, std::uint32_t device) {
    give_back(std::find_if(held.begin(), held.end(), [&](const Held& one) {
      return one.load == load && one.device == device;
    }));
  }

  void give_back_of(std::uint32_t load, std::uint32_t unit) {
    give_back(std::find_if(held.begin(), held.end(),
                           [&](const Held& one) { return one.load == load && one.unit == unit; }));
  }

  [[nodiscard]] std::uint32_t place_of(std::uint32_t unit) const {
    const auto place =
        std::find_if(held.begin(), held.end(), [&](const Held& one) { return one.unit == unit; });
    REQUIRE(place != held.end());
    return place->place;
  }

  std::size_t devices;
  GrantOrder order;
  std::vector<Held> held;

 private:
  void give_back(std::vector<Held>::iterator place) {
    REQUIRE(place != held.end());
    order.give_back(place->load, place->device, {place->claim.slots, 0, 0}, place->place);
    held.erase(place);
  }
};

using Granted = Engine::Granted;

}  // namespace

TEST_CASE("tickets are granted in their order until the credits are out") {
  Engine engine({2});
  engine.add(7, equal_tickets(4, first_device, slot));
  CHECK(engine.grant_all() == Granted{{7, 0}, {7, 1}});
  CHECK(engine.order.shared_slots_held(0) == 2);
  engine.give_back(7, 0);
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
  engine.give_back(0, 0);
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
  engine.give_back(0, 1);
  CHECK(engine.grant_all() == Granted{{0, 1}});
  CHECK(engine.order.shared_slots_held(0) == 1);
  engine.give_back(0, 0);
  CHECK(engine.grant_all() == Granted{{0, 2}});
  engine.give_back(0, 1);
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
    engine.give_back(now[0].first, 0);
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
    engine.give_back(0, 0);
    CHECK(engine.grant_all().size() == 1);  // the first device has work for load 0 alone
    engine.give_back(served_on_second.back(), 1);
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
  engine.give_back(0, 0);
  CHECK(engine.grant_all() == Granted{{0, 2}});  // load 1 entered behind load 0
  engine.give_back(0, 0);
  CHECK(engine.grant_all().empty());
  engine.give_back(0, 0);
  CHECK(engine.grant_all() == Granted{{1, 0}});
}

TEST_CASE("a load that waits for a buffer of its own keeps nobody off") {
  Engine engine({2});
  const Claim slot_and_buffer{1, 1, 0};
  engine.add(0, equal_tickets(3, first_device, slot_and_buffer), {9, 1, 9});
  CHECK(engine.grant_all() == Granted{{0, 0}});
  engine.add(1, equal_tickets(2, first_device, slot));
  CHECK(engine.grant_all() == Granted{{1, 0}});
  engine.give_back(0, 0);  // but not its buffer
  CHECK(engine.grant_all() == Granted{{1, 1}});
}

TEST_CASE("kept units need no credits and cost no turn") {
  Engine engine({1});
  engine.add(0, equal_tickets(2, first_device, slot));
  engine.add(1,
             tickets({{first_device, one_read}, {first_device, slot}, {first_device, one_read}}));
  CHECK(engine.grant_all() == Granted{{0, 0}, {1, 0}});
  engine.give_back(0, 0);
  CHECK(engine.grant_all() == Granted{{1, 1}, {1, 2}});
}

TEST_CASE("a closed load is granted nothing more and is finished when all is back") {
  Engine engine({2});
  engine.add(0, equal_tickets(5, first_device, slot));
  CHECK(engine.grant_all().size() == 2);
  engine.order.close(0);
  engine.give_back(0, 0);
  CHECK(engine.grant_all().empty());
  CHECK_FALSE(engine.order.finished(0));
  engine.give_back(0, 0);
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
  engine.give_back(1, 0);
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
  const auto first = order.next();
  REQUIRE(first.has_value());
  const std::uint32_t place = first->places.front();
  CHECK_FALSE(order.next().has_value());
  order.give_back(0, 63, slot, place);
  CHECK(order.next().has_value());
}

TEST_CASE("several slots are neighbours, and wait until enough of those are free") {
  Engine engine({4});
  engine.add(0,
             tickets({{first_device, slot},
                      {first_device, slot},
                      {first_device, slot},
                      {first_device, slot},
                      {first_device, {2, 0, 0}}}),
             {4, 0, 0});
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 1}, {0, 2}, {0, 3}});
  engine.give_back_of(0, 0);
  engine.give_back_of(0, 2);  // two are free, but not side by side
  CHECK(engine.grant_all().empty());
  const std::uint32_t second = engine.place_of(1);
  engine.give_back_of(0, 1);
  CHECK(engine.grant_all() == Granted{{0, 4}});
  CHECK(engine.place_of(4) <= second);
  CHECK(engine.place_of(4) + 2 > second);
}

TEST_CASE("a load that waits for neighbours among its own slots keeps nobody off") {
  Engine engine({4});
  engine.add(0,
             tickets({{first_device, slot},
                      {first_device, slot},
                      {first_device, slot},
                      {first_device, {2, 0, 0}}}),
             {3, 0, 0});
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 1}, {0, 2}});
  engine.give_back_of(0, 0);
  engine.give_back_of(0, 2);
  engine.add(1, equal_tickets(3, first_device, slot));
  CHECK(engine.grant_all() == Granted{{1, 0}, {1, 1}, {1, 2}});
  engine.give_back_of(0, 1);
  CHECK(engine.grant_all().empty());  // three slots of its own are free, one of the engine's is
  engine.give_back_of(1, 0);
  CHECK(engine.grant_all() == Granted{{0, 3}});
}

TEST_CASE("neighbours of two loads are counted apart") {
  Engine engine({4});
  engine.add(0, tickets({{first_device, {2, 0, 0}}}), {2, 0, 0});
  engine.add(1, tickets({{first_device, {2, 0, 0}}}), {2, 0, 0});
  CHECK(engine.grant_all() == Granted{{0, 0}, {1, 0}});
  CHECK(engine.held[0].place == 0);
  CHECK(engine.held[1].place == 0);
}

TEST_CASE("a ticket that waits is granted when its load holds no slot on its device") {
  Engine engine({3, 1});
  std::vector<Ticket> list = tickets({{first_device, slot},
                                      {second_device, slot},
                                      {first_device, slot},
                                      {first_device, slot},
                                      {first_device, slot}});
  list[3].waits = true;
  engine.add(0, list);
  engine.add(1, equal_tickets(1, first_device, slot));
  CHECK(engine.grant_all() == Granted{{0, 0}, {0, 1}, {1, 0}, {0, 2}});
  engine.give_back_of(0, 0);
  CHECK(engine.grant_all().empty());
  engine.give_back_of(0, 2);  // neither the other device nor the other load matters
  CHECK(engine.grant_all() == Granted{{0, 3}, {0, 4}});
}

TEST_CASE("a load whose ticket waits keeps nobody off, and nobody of its load overtakes") {
  Engine engine({2});
  std::vector<Ticket> list = equal_tickets(3, first_device, slot);
  list[1].waits = true;
  engine.add(0, list);
  CHECK(engine.grant_all() == Granted{{0, 0}});
  engine.add(1, equal_tickets(2, first_device, slot));
  CHECK(engine.grant_all() == Granted{{1, 0}});
  engine.give_back_of(1, 0);
  CHECK(engine.grant_all() == Granted{{1, 1}});
  engine.give_back_of(0, 0);
  CHECK(engine.grant_all() == Granted{{0, 1}});
}
