#include "trace/invariants.hpp"

#include <initializer_list>

#include "catch.hpp"

using namespace plimsoll::trace;

namespace {

/// Builds traces line by line; time moves on by one with every event.
class Story {
 public:
  Story() { trace.info.devices = {{"host:0", 2, 100, 1000}, {"host:1", 1, 100, 1000}}; }

  Story& grant(std::uint32_t unit, std::uint16_t credits = 1, std::uint64_t bytes = 100) {
    return add({.bytes = bytes, .unit = unit, .full_precision = credits, .kind = EventKind::grant});
  }
  Story& release(std::uint32_t unit, std::uint16_t credits = 1, std::uint64_t bytes = 100) {
    return add(
        {.bytes = bytes, .unit = unit, .full_precision = credits, .kind = EventKind::release});
  }
  Story& begin(std::uint32_t unit, EventKind kind) {
    return add({.unit = unit, .kind = kind, .phase = EventPhase::begin});
  }
  Story& end(std::uint32_t unit, EventKind kind) {
    return add({.unit = unit, .kind = kind, .phase = EventPhase::end});
  }
  Story& stages(std::uint32_t unit, std::initializer_list<EventKind> kinds) {
    for (const EventKind kind : kinds) begin(unit, kind).end(unit, kind);
    return *this;
  }
  Story& add(Event event) {
    event.time_ns = trace.events.size();
    event.load = load;
    event.device = device;
    trace.events.push_back(event);
    return *this;
  }
  Story& on(std::uint16_t new_device) {
    device = new_device;
    return *this;
  }
  Story& of_load(std::uint32_t new_load) {
    load = new_load;
    return *this;
  }

  /// Exactly one violation, which says this.
  void violates(const std::string& what) const {
    const std::vector<std::string> violations = find_violations(trace);
    REQUIRE(violations.size() == 1);
    INFO(violations[0]);
    CHECK(violations[0].find(what) != std::string::npos);
  }

  void holds() const { CHECK(find_violations(trace).empty()); }

  Trace trace;
  std::uint16_t device = 0;
  std::uint32_t load = 0;
};

using K = EventKind;

}  // namespace

TEST_CASE("a run that keeps every promise has no violations") {
  Story story;
  story.grant(0)
      .begin(0, K::read)
      .grant(1)
      .end(0, K::read)
      .stages(0, {K::decode, K::convert, K::quantize, K::place});
  story.release(0)
      .grant(2, 0, 0)
      .stages(2, {K::read})
      .stages(1, {K::read, K::quantize, K::place, K::write});
  story.release(1).stages(0, {K::write}).release(2, 0, 0);
  story.holds();
  CHECK(find_violations(Trace{}).empty());
}

TEST_CASE("loads take turns and devices have orders of their own") {
  Story story;
  story.of_load(0).on(0).grant(5).of_load(1).grant(0).of_load(0).on(1).grant(5, 1, 100);
  story.release(5).grant(6).release(6).on(0).release(5).of_load(1).release(0).grant(1).release(1);
  story.holds();
}

TEST_CASE("more credits than slots are a violation") {
  Story().grant(0, 1, 10).grant(1, 2, 10).release(0, 1, 10).release(1, 2, 10).violates(
      "unit 1: 3 credits alive on host:0, which has 2");
}

TEST_CASE("more bytes than the load line has for slots are a violation") {
  Story().grant(0).grant(1, 1, 101).release(0).release(1, 1, 101).violates(
      "201 bytes of slots held on host:0, whose load line has 200");
}

TEST_CASE("a slot part beyond 64 bits does not wrap into a small one") {
  Story story;
  story.trace.info.devices[0] = {"host:0", 3, std::uint64_t{1} << 63, 0};
  story.grant(0).release(0).holds();
}

TEST_CASE("a second grant of a unit is a violation") {
  Story().grant(0).grant(0).release(0).violates("granted twice on host:0");
  Story().grant(0).release(0).grant(0).violates("granted twice on host:0");
}

TEST_CASE("a credit that never comes back is a violation, also after a cancel") {
  Story story;
  story.trace.info.complete = false;
  story.grant(0).grant(1).release(1).violates("load 0 unit 0: never released on host:0");
}

TEST_CASE("a release must answer a grant, once, in full") {
  Story().release(3).violates("unit 3: released without a grant on host:0");
  Story().grant(0).release(0).release(0).violates("released twice on host:0");
  Story().grant(0).release(0, 1, 99).violates("gives back other credits or bytes");
  Story().grant(0).release(0, 0, 100).violates("gives back other credits or bytes");
  Story().grant(0).on(1).release(0).on(0).release(0).violates("released without a grant on host:1");
}

TEST_CASE("a unit that overtakes another of its load and device is a violation") {
  Story().grant(4).release(4).grant(3).release(3).violates("unit 3: overtaken by unit 4 on host:0");
}

TEST_CASE("a stage outside the lease is a violation") {
  Story().stages(0, {K::read}).grant(0).release(0).violates("read begins before the grant");
  Story().grant(0).release(0).stages(0, {K::read}).violates("read begins after the release");
  Story()
      .grant(0)
      .begin(0, K::read)
      .release(0)
      .end(0, K::read)
      .violates("released on host:0 inside read");
}

TEST_CASE("stages out of order, inside one another or repeated are violations") {
  Story()
      .grant(0)
      .stages(0, {K::quantize, K::read})
      .release(0)
      .violates("read begins after quantize");
  Story()
      .grant(0)
      .stages(0, {K::place, K::convert})
      .release(0)
      .violates("convert begins after place");
  Story().grant(0).stages(0, {K::write, K::place}).release(0).violates("place begins after write");
  Story().grant(0).stages(0, {K::read, K::read}).release(0).violates("read begins after read");
  Story story;
  story.grant(0).begin(0, K::read).begin(0, K::decode).end(0, K::decode).release(0);
  story.violates("decode begins inside read");
}

TEST_CASE("a stage's end needs its begin, and a complete run's begin its end") {
  Story().grant(0).end(0, K::read).release(0).violates("read ends unbegun");
  Story().grant(0).release(0).begin(0, K::write).violates("write never ends");
  Story story;
  story.trace.info.complete = false;
  story.grant(0).release(0).begin(0, K::write).holds();
}

TEST_CASE("points and stages are told apart") {
  Story().add({.kind = K::read, .phase = EventPhase::point}).violates("read cannot be a point");
  Story()
      .add({.kind = EventKind::grant, .phase = EventPhase::begin})
      .violates("grant cannot be a begin");
}

TEST_CASE("time that goes back, unknown devices and dropped events are violations") {
  Story late;
  late.grant(0).release(0);
  late.trace.events[0].time_ns = 7;
  late.violates("time goes back");
  Story().on(2).grant(0).violates("device 2 is unknown");
  Story dropped;
  dropped.trace.info.dropped = 3;
  dropped.violates("3 events were dropped");
}

TEST_CASE("no more violations are listed than were asked for") {
  Story story;
  for (std::uint32_t i = 0; i < 50; ++i) story.release(i);
  CHECK(find_violations(story.trace).size() == 50);
  CHECK(find_violations(story.trace, 7).size() == 7);
}
