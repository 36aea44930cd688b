#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "cancelled_at.hpp"
#include "catch.hpp"
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
using plimsoll::trace::EventKind;

namespace {

Config traced(const std::string& file) {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("trace", file);
  config.set("match", {"weight$ -> nf4", "row$ -> f16"});
  return config;
}

auto count(const plimsoll::trace::Trace& trace, EventKind kind) {
  return std::count_if(trace.events.begin(), trace.events.end(), [&](const auto& event) {
    return event.kind == kind && event.phase != plimsoll::trace::EventPhase::begin;
  });
}

}  // namespace

TEST_CASE("the trace of a load keeps every promise and lacks no unit") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  const std::string file = scratch.path("run.trace");
  for (const char* slots : {"1", "8"}) {
    for (const char* devices : {"host", "host:0,host:1"}) {
      INFO(slots << " slots on " << devices);
      Engine engine(traced(file).set("slots", slots).set("devices", devices));
      Load load = engine.load(path);
      const plimsoll::Report report = load.report();
      const auto trace = trace_in(file);
      CHECK(first_violation(trace) == "");
      CHECK(trace.info.complete);
      CHECK(trace.info.dropped == 0);
      CHECK(trace.info.devices.size() == report.devices.size());
      CHECK(trace.info.devices[0].load_line_bytes == report.devices[0].planned.load_line_bytes);
      CHECK(count(trace, EventKind::grant) == report.units);
      CHECK(count(trace, EventKind::read) == report.units);
      CHECK(count(trace, EventKind::place) == report.units);
      CHECK(count(trace, EventKind::release) == report.units);
      CHECK(count(trace, EventKind::quantize) > 0);
      CHECK(count(trace, EventKind::convert) > 0);
    }
  }
}

TEST_CASE("the trace of a written checkpoint shows every unit written") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  Engine engine(traced(scratch.path("run.trace")));
  Load load = engine.quantize(scratch.path("model"), scratch.path("out"));
  const std::uint32_t units = load.report().units;
  const auto trace = trace_in(scratch.path("run.trace"));
  CHECK(first_violation(trace) == "");
  CHECK(count(trace, EventKind::write) == units);
}

TEST_CASE("every credit comes home in the traces of cancelled and failed loads") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  const std::string file = scratch.path("run.trace");
  Engine engine(traced(file));
  const std::uint32_t units = engine.plan(path).units;
  for (const std::uint32_t at : {1u, units / 2, units}) {
    CancelledAt cancelled(at);
    Load load = engine.load(path, cancelled.options());
    cancelled.begin(load);
    CHECK_REFUSED(static_cast<void>(load.get()), ErrorCode::cancelled, "cancelled");
    const auto trace = trace_in(file);
    CHECK(first_violation(trace) == "");
    CHECK_FALSE(trace.info.complete);
    std::filesystem::remove(file);
  }
  LoadOptions options;
  options.consumer = [](const plimsoll::FinishedTensor& tensor) {
    if (tensor->name == "layers.3.row") throw std::runtime_error("refused");
  };
  CHECK_REFUSED(static_cast<void>(engine.load(path, options).get()), ErrorCode::consumer_failed,
                "refused");
  const auto trace = trace_in(file);
  CHECK(first_violation(trace) == "");
  CHECK_FALSE(trace.info.complete);
}

TEST_CASE("a trace that cannot be written is an error of the load, and not of the next") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  Engine engine;
  LoadOptions options;
  options.config = traced(scratch.path("none/run.trace"));
  CHECK_REFUSED(static_cast<void>(engine.load(path, options).get()), ErrorCode::write_failed,
                "run.trace");
  CHECK(engine.load(path).get().tensors().size() == tensors_of_all_kinds().size());
}

TEST_CASE("a trace takes the place of no file of the source and of nothing in the output") {
  const ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.path("source"));
  const std::string weights =
      write_weights(scratch.path("source/model.safetensors"), tensors_of_all_kinds());
  const auto size = std::filesystem::file_size(weights);
  Engine engine;
  LoadOptions options;
  options.config = traced(weights);
  CHECK_REFUSED(static_cast<void>(engine.load(scratch.path("source"), options).get()),
                ErrorCode::invalid_argument, "source");
  CHECK(std::filesystem::file_size(weights) == size);

  std::filesystem::create_directory(scratch.path("out"));
  options.config = traced(scratch.path("out/model.safetensors"));
  CHECK_REFUSED(static_cast<void>(
                    engine.quantize(scratch.path("source"), scratch.path("out"), options).report()),
                ErrorCode::invalid_argument, "output directory");
  CHECK(std::filesystem::is_empty(scratch.path("out")));

  // An earlier trace may be replaced, wherever it lies.
  options.config = traced(scratch.path("source/run.trace"));
  static_cast<void>(engine.load(scratch.path("source"), options).get());
  static_cast<void>(engine.load(scratch.path("source"), options).get());
  CHECK(trace_in(scratch.path("source/run.trace")).info.complete);
}
