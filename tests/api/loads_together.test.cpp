#include <algorithm>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"
#include "traced_load.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::Load;
using plimsoll::LoadOptions;
using plimsoll::Model;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;

namespace {

const FormatOf weights_to_nf4 = [](const SourceTensor& source) {
  return source.name.ends_with(".weight") ? Format{FormatKind::nf4} : Format{};
};

Config small_units() {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("match", "weight$ -> nf4");
  return config;
}

/// The most full-precision units alive at once on a device, over traces of one engine's loads.
int most_alive(const std::vector<plimsoll::trace::Trace>& traces, std::uint16_t device) {
  std::vector<plimsoll::trace::Event> events;
  for (const auto& trace : traces) {
    for (const auto& event : trace.events) {
      const bool counts = event.kind == plimsoll::trace::EventKind::grant ||
                          event.kind == plimsoll::trace::EventKind::release;
      if (counts && event.device == device) events.push_back(event);
    }
  }
  // The governor records a return before the grant that it makes possible.
  std::sort(events.begin(), events.end(), [](const auto& left, const auto& right) {
    return std::pair(left.time_ns, right.kind) < std::pair(right.time_ns, left.kind);
  });
  int alive = 0;
  int most = 0;
  for (const auto& event : events) {
    alive += event.kind == plimsoll::trace::EventKind::grant ? event.full_precision
                                                             : -event.full_precision;
    most = std::max(most, alive);
  }
  return most;
}

}  // namespace

TEST_CASE("loads at the same time share an engine's credits and do not mix their bytes") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  for (const int slots : {1, 3}) {
    for (const char* devices : {"host", "host:0,host:1"}) {
      INFO(slots << " slots on " << devices);
      const Config config =
          small_units().set("slots", std::to_string(slots)).set("devices", devices);
      Engine engine(config);
      std::latch both_planned(2);
      std::vector<std::vector<std::unique_ptr<std::byte[]>>> memory(2);
      std::vector<Load> loads;
      for (std::size_t i = 0; i < 2; ++i) {
        LoadOptions options;
        options.config = Config(config).set("trace", scratch.path(std::to_string(i)));
        options.destination = [&, i](const plimsoll::Placement& placement) {
          if (memory[i].empty()) both_planned.arrive_and_wait();
          memory[i].push_back(std::make_unique<std::byte[]>(placement.bytes + 64));
          std::byte* const begin = memory[i].back().get();
          return begin + (64 - reinterpret_cast<std::uintptr_t>(begin) % 64);
        };
        loads.push_back(engine.load(path, options));
      }
      std::vector<plimsoll::trace::Trace> traces;
      for (std::size_t i = 0; i < 2; ++i) {
        CHECK(difference(loads[i].get().tensors(), sources, weights_to_nf4) == "");
        traces.push_back(trace_in(scratch.path(std::to_string(i))));
        CHECK(first_violation(traces.back()) == "");
      }
      CHECK(traces[0].events[0].load != traces[1].events[0].load);
      for (const std::uint16_t device : {0, 1}) CHECK(most_alive(traces, device) <= slots);
      CHECK(most_alive(traces, 0) > 0);
    }
  }
}

TEST_CASE("many loads from many threads end, each with its own bytes") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  Engine engine(small_units().set("slots", "2"));
  std::vector<std::string> differences(4, "not run");
  std::vector<std::thread> callers;
  for (std::string& found : differences) {
    callers.emplace_back([&] {
      found.clear();
      for (int i = 0; i < 5; ++i) {
        found += difference(engine.load(path).get().tensors(), sources, weights_to_nf4);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::string& found : differences) CHECK(found.empty());
}

TEST_CASE("two engines work side by side") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  Engine first(small_units());
  Engine second(small_units().set("slots", "1"));
  Load one = first.load(path);
  Load two = second.load(path);
  CHECK(difference(two.get().tensors(), sources, weights_to_nf4) == "");
  CHECK(difference(one.get().tensors(), sources, weights_to_nf4) == "");
}

TEST_CASE("a budget holds over all loads of an engine, models that are still held included") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  const Config config = small_units().set("source", "pread");
  const std::uint64_t line = Engine(config).plan(path).load_line_bytes;
  Engine engine(Config(config).set("budget", std::to_string(line)));
  {
    const Model model = engine.load(path).get();
    Load second = engine.load(path);
    CHECK_REFUSED(static_cast<void>(second.get()), ErrorCode::out_of_memory, "host");
    CHECK(second.progress().bytes_read == 0);
    CHECK(difference(model.tensors(), sources, weights_to_nf4) == "");
  }
  Load third = engine.load(path);
  CHECK(difference(third.get().tensors(), sources, weights_to_nf4) == "");
}
