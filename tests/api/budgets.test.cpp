#include <string>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::Load;
using plimsoll::LoadOptions;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;

namespace {

const FormatOf to_nf4 = [](const SourceTensor&) { return Format{FormatKind::nf4}; };

/// Much larger than the smallest unit that a budget may ask for.
SourceTensor large_tensor() {
  return random_tensor("w.weight", plimsoll::Dtype::f32, {1500, 401});
}

Config config_with(const std::string& devices) {
  return Config().set("threads", "2").set("match", "w -> nf4").set("devices", devices);
}

}  // namespace

TEST_CASE("the smallest budget works for every sink, and one byte less is refused unread") {
  const ScratchDirectory scratch;
  const auto source = large_tensor();
  const std::string path = write_weights(scratch.path("model.safetensors"), {source});
  const Config config = config_with("host");
  for (const std::string sink : {"memory", "caller", "consumer", "checkpoint"}) {
    for (const bool direct : {false, true}) {
      INFO(sink << (direct ? ", direct" : ""));
      const std::string out =
          sink == "checkpoint" ? scratch.path(direct ? "direct" : "out") : std::string();
      std::string memory(1 << 20, '\0');
      std::size_t used = 64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64;
      LoadOptions options;
      options.config = Config(config).set("source", direct ? "direct" : "auto");
      if (sink == "caller") {
        options.destination = [&](const plimsoll::Placement& placement) {
          auto* const begin = reinterpret_cast<std::byte*>(memory.data() + used);
          used += (placement.bytes + 63) / 64 * 64;
          return begin;
        };
      }
      std::string found;
      if (sink == "consumer") {
        options.consumer = [&](const plimsoll::FinishedTensor& tensor) {
          found += difference(tensor.tensor(), source, to_nf4(source));
        };
      }
      const auto begin = [&](Engine& engine) {
        return out.empty() ? engine.load(path, options) : engine.quantize(path, out, options);
      };
      const plimsoll::Plan plan = Engine(config).plan(path, out, options);
      const std::uint64_t smallest = plan.smallest_load_line_bytes;
      CHECK(smallest < plan.load_line_bytes);

      options.config->set("budget", std::to_string(smallest - 1));
      Engine refusing(*options.config);
      Load refused = begin(refusing);
      CHECK_REFUSED(static_cast<void>(refused.report()), ErrorCode::infeasible_budget,
                    std::to_string(smallest));
      CHECK(refused.progress().bytes_read == 0);

      options.config->set("budget", std::to_string(smallest));
      Engine engine(*options.config);
      Load load = begin(engine);
      const plimsoll::Model model = load.get();
      CHECK(load.report().load_line_bytes <= smallest);
      CHECK(load.report().peak_bytes <= load.report().load_line_bytes);
      if (sink == "memory" || sink == "caller") {
        CHECK(difference(model.tensors(), {source}, to_nf4) == "");
      }
      CHECK(found.empty());
    }
  }
}

TEST_CASE("every budget between the smallest and the default line is kept") {
  const ScratchDirectory scratch;
  const auto source = large_tensor();
  const std::string path = write_weights(scratch.path("model.safetensors"), {source});
  const plimsoll::Plan plan = Engine(config_with("host")).plan(path);
  const std::uint64_t step = (plan.load_line_bytes - plan.smallest_load_line_bytes) / 7;
  for (int i = 0; i <= 7; ++i) {
    const std::uint64_t budget = plan.smallest_load_line_bytes + i * step;
    INFO(budget);
    Engine engine(config_with("host").set("budget", std::to_string(budget)));
    Load load = engine.load(path);
    CHECK(difference(load.get().tensors(), {source}, to_nf4) == "");
    CHECK(load.report().load_line_bytes <= budget);
    CHECK(load.report().peak_bytes <= load.report().load_line_bytes);
    CHECK(load.report().peak_full_precision_tensors <= load.report().slots);
  }
}

TEST_CASE("a plan promises what a load then does") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  Engine engine(Config().set("to", "nf4").set("threads", "2").set("devices", "host:0,host:1"));
  const plimsoll::Plan plan = engine.plan(scratch.path("model"));
  Load load = engine.load(scratch.path("model"));
  const plimsoll::Model model = load.get();
  CHECK(plan.load_line_bytes == load.report().load_line_bytes);
  CHECK(plan.units == load.report().units);
  REQUIRE(plan.tensors.size() == model.tensors().size());
  std::uint32_t units = 0;
  for (const auto& [format, count] : plan.formats) units += count;
  CHECK(units == plan.units);
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const plimsoll::PlannedTensor& planned = plan.tensors[i];
    const plimsoll::Tensor& tensor = model.tensors()[i];
    CHECK(planned.name == tensor.name);
    CHECK(planned.dtype == tensor.dtype);
    CHECK(std::equal(planned.shape.begin(), planned.shape.end(), tensor.shape.begin(),
                     tensor.shape.end()));
    CHECK(planned.format == tensor.format);
    CHECK(planned.device == tensor.device);
    CHECK(planned.merge.empty());
    std::uint64_t bytes = 0;
    for (const plimsoll::Component& component : tensor.components) bytes += component.bytes.size();
    CHECK(planned.bytes == bytes);
  }
}
