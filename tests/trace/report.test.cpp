#include "trace/report.hpp"

#include "catch.hpp"

using namespace plimsoll::trace;

namespace {

Trace two_overlapping_reads() {
  Trace trace;
  trace.info.devices = {{"host:0", 4, 100, 1000}};
  const auto add = [&trace](std::uint64_t time_ns, std::uint32_t unit, EventKind kind,
                            EventPhase phase, std::uint64_t bytes, std::uint16_t credits) {
    trace.events.push_back({.time_ns = time_ns,
                            .bytes = bytes,
                            .unit = unit,
                            .full_precision = credits,
                            .kind = kind,
                            .phase = phase});
  };
  add(1000, 0, EventKind::grant, EventPhase::point, 100, 1);
  add(1000, 0, EventKind::read, EventPhase::begin, 0, 0);
  add(1200, 1, EventKind::grant, EventPhase::point, 50, 2);
  add(1200, 1, EventKind::read, EventPhase::begin, 0, 0);
  add(1300, 0, EventKind::read, EventPhase::end, 7, 0);
  add(1300, 0, EventKind::release, EventPhase::point, 100, 1);
  add(1500, 1, EventKind::read, EventPhase::end, 8, 0);
  add(2000, 1, EventKind::release, EventPhase::point, 50, 2);
  return trace;
}

}  // namespace

TEST_CASE("a summary adds up stages and counts overlapping units of a lane as busy once") {
  const Summary summary = summarize(two_overlapping_reads());
  CHECK(summary.events == 8);
  CHECK(summary.duration_ns == 1000);
  REQUIRE(summary.stages.size() == 1);
  const StageSummary& stage = summary.stages[0];
  CHECK(stage.kind == EventKind::read);
  CHECK(stage.units == 2);
  CHECK(stage.bytes == 15);
  CHECK(stage.total_ns == 600);
  REQUIRE(stage.lanes.size() == 1);
  CHECK(stage.lanes[0].busy_ns == 500);
}

TEST_CASE("a summary holds each device's peaks") {
  const Summary summary = summarize(two_overlapping_reads());
  REQUIRE(summary.devices.size() == 1);
  CHECK(summary.devices[0].grants == 2);
  CHECK(summary.devices[0].credits == 3);
  CHECK(summary.devices[0].slot_bytes == 150);
}

TEST_CASE("an end without its begin is left out of the sums") {
  Trace trace = two_overlapping_reads();
  trace.events.erase(trace.events.begin() + 1);
  REQUIRE(summarize(trace).stages.size() == 1);
  CHECK(summarize(trace).stages[0].units == 1);
  CHECK(summarize(Trace{}).stages.empty());
}

TEST_CASE("the text shows stages, busy lanes and peaks beside their limits") {
  const Trace trace = two_overlapping_reads();
  const std::string text = to_text(summarize(trace), trace.info);
  CHECK(text.find("8 events in 0.000001 s\n") == 0);
  CHECK(text.find("read              2") != std::string::npos);
  CHECK(text.find("0/0: 50 %") != std::string::npos);
  CHECK(text.find("host:0: 2 grants; at most 3 of 4 credits and 150 of 400 bytes of slots; load "
                  "line 1000 bytes") != std::string::npos);
  TraceInfo stopped = trace.info;
  stopped.complete = false;
  CHECK(to_text(summarize(trace), stopped).find("did not end well") != std::string::npos);
}
