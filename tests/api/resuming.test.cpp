#include <filesystem>
#include <string>
#include <vector>

#include "cancelled_at.hpp"
#include "catch.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

namespace fs = std::filesystem;
using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::Load;
using plimsoll::LoadOptions;

namespace {

Config in_several_shards() {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("to", "nf4").set("shard-size", "30kB");
  return config;
}

bool looks_whole(const std::string& directory) {
  return fs::exists(directory + "/model.safetensors.index.json") ||
         fs::exists(directory + "/model.safetensors");
}

/// Begins to write a checkpoint and cancels that when so many units are done.
void interrupt(Engine& engine, const std::string& model, const std::string& out,
               std::uint32_t units) {
  CancelledAt cancelled(units);
  Load load = engine.quantize(model, out, cancelled.options());
  cancelled.begin(load);
  CHECK_REFUSED(static_cast<void>(load.report()), ErrorCode::cancelled, "cancelled");
  CHECK_FALSE(looks_whole(out));
}

}  // namespace

TEST_CASE("a run that was interrupted anywhere resumes to the bytes of an uninterrupted one") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  write_checkpoint(model, small_language_model());
  Engine engine(in_several_shards());
  Engine resuming(in_several_shards().set("resume", "true"));
  Load whole = engine.quantize(model, scratch.path("whole"));
  whole.wait();
  const auto expected = files_below(scratch.path("whole"));
  REQUIRE(expected.size() > 5);
  const std::uint32_t units = whole.plan().units;
  for (std::uint32_t at = 1; at <= units; at += (units + 7) / 8) {
    INFO("after " << at << " of " << units << " units");
    const std::string out = scratch.path("out-" + std::to_string(at));
    interrupt(engine, model, out, at);
    Load rest = resuming.quantize(model, out);
    CHECK(rest.report().units == units);
    CHECK(rest.progress().units_done == units);
    CHECK(rest.progress().bytes_read == rest.progress().bytes_to_read);
    CHECK(rest.report().bytes_read <= whole.report().bytes_read);
    CHECK(files_below(out) == expected);
  }
}

TEST_CASE("shards that an interrupted run finished are not made again") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  write_checkpoint(model, small_language_model());
  Engine engine(in_several_shards());
  Engine resuming(in_several_shards().set("resume", "true"));
  const plimsoll::Plan plan = engine.plan(model, scratch.path("out"));
  interrupt(engine, model, scratch.path("out"), plan.units);  // only the last shard is not finished
  Load rest = resuming.quantize(model, scratch.path("out"));
  CHECK(rest.report().bytes_read > 0);
  CHECK(rest.report().bytes_read < 100'000);  // of 260,000
  CHECK(rest.progress().units_done == plan.units);
  Load again = resuming.quantize(model, scratch.path("out"));
  CHECK(again.report().bytes_read == 0);
  CHECK(again.progress().units_done == plan.units);
  CHECK(looks_whole(scratch.path("out")));
}

TEST_CASE("an interrupted run can be interrupted again") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  const std::string out = scratch.path("out");
  write_checkpoint(model, small_language_model());
  Engine engine(in_several_shards());
  engine.quantize(model, scratch.path("whole")).wait();
  Engine resuming(in_several_shards().set("resume", "true"));
  const std::uint32_t units = engine.plan(model, out).units;
  interrupt(resuming, model, out, units / 3);
  interrupt(resuming, model, out, units);
  resuming.quantize(model, out).wait();
  CHECK(files_below(out) == files_below(scratch.path("whole")));
}

TEST_CASE("a run with other settings or another source does not resume") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  const std::string out = scratch.path("out");
  write_checkpoint(model, small_language_model());
  Engine engine(in_several_shards());
  interrupt(engine, model, out, engine.plan(model, out).units);
  LoadOptions other;
  other.config = in_several_shards().set("resume", "true").set("to", "nf4:blocksize=128");
  CHECK_REFUSED(static_cast<void>(engine.quantize(model, out, other).report()),
                ErrorCode::resume_mismatch, "formats");
  LoadOptions same;
  same.config = in_several_shards().set("resume", "true");
  fs::last_write_time(model + "/model-1.safetensors", fs::file_time_type::clock::now());
  CHECK_REFUSED(static_cast<void>(engine.quantize(model, out, same).report()),
                ErrorCode::resume_mismatch, "model-1.safetensors");
  CHECK_FALSE(looks_whole(out));
}

TEST_CASE("without a wish to resume an interrupted output is refused") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  write_checkpoint(model, small_language_model());
  Engine engine(in_several_shards());
  const std::string out = scratch.path("out");
  interrupt(engine, model, out, engine.plan(model, out).units);
  CHECK_REFUSED(static_cast<void>(engine.quantize(model, out).report()), ErrorCode::output_exists,
                out);
}
