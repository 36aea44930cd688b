#include <string>
#include <vector>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Dtype;
using plimsoll::Engine;
using plimsoll::Model;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;
using plimsoll::codecs::Nf4Variant;

namespace {

/// Whose units are much smaller than most tensors.
Config small_units() {
  Config config;
  config.set("unit-bytes", "4KiB").set("threads", "2").set("source", "pread");
  return config;
}

std::string loaded_difference(const Config& config, const std::string& path,
                              const std::vector<SourceTensor>& sources, const FormatOf& format_of) {
  Engine engine(config);
  const Model model = engine.load(path).get();
  return difference(model.tensors(), sources, format_of);
}

}  // namespace

TEST_CASE("kept tensors arrive as they are stored") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  CHECK(loaded_difference(small_units(), path, sources, kept).empty());
  CHECK(loaded_difference(small_units().set("to", "keep"), scratch.path(), sources, kept).empty());
}

TEST_CASE("a cast reaches every floating-point tensor, whatever its units") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  const std::vector<std::pair<std::string, FormatKind>> casts = {
      {"bf16", FormatKind::bf16}, {"f16", FormatKind::f16}, {"f32", FormatKind::f32}};
  for (const auto& [name, kind] : casts) {
    const FormatOf format_of = [kind](const SourceTensor& source) {
      return is_floating_point(source.dtype) ? Format{kind} : Format{};
    };
    for (const char* unit_bytes : {"64", "1000", "4KiB", "1MiB"}) {
      INFO(name << " in units of " << unit_bytes);
      const Config config = small_units().set("to", name).set("unit-bytes", unit_bytes);
      CHECK(loaded_difference(config, path, sources, format_of) == "");
    }
  }
}

TEST_CASE("NF4 of any dtype, rank, block and unit equals that of the whole tensor") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  for (const std::uint32_t blocksize : {32u, 64u, 256u, 4096u}) {
    for (const Nf4Variant variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
      const std::string text = "nf4:blocksize=" + std::to_string(blocksize) +
                               ",variant=" + (variant == Nf4Variant::cpu ? "cpu" : "cuda");
      const FormatOf format_of = [&](const SourceTensor& source) {
        if (!source.name.starts_with("layers.")) return Format{};
        return Format{FormatKind::nf4, variant, blocksize};
      };
      for (const char* unit_bytes : {"4KiB", "1MiB"}) {
        INFO(text << " in units of " << unit_bytes);
        const Config config =
            small_units().set("match", "^layers\\. -> " + text).set("unit-bytes", unit_bytes);
        CHECK(loaded_difference(config, path, sources, format_of) == "");
      }
    }
  }
}

TEST_CASE("the default rules quantize linear weights and leave the output head alone") {
  const ScratchDirectory scratch;
  const auto shards = small_language_model();
  write_checkpoint(scratch.path("model"), shards);
  std::vector<SourceTensor> sources = shards[0];
  sources.insert(sources.end(), shards[1].begin(), shards[1].end());
  const FormatOf format_of = [](const SourceTensor& source) {
    const bool linear = source.name.find("proj") != std::string::npos;
    return linear ? Format{FormatKind::nf4} : Format{};
  };
  Engine engine(small_units().set("to", "nf4"));
  auto load = engine.load(scratch.path("model"));
  const Model model = load.get();
  CHECK(difference(model.tensors(), sources, format_of) == "");
  CHECK(load.report().kept == std::vector<std::string>{"lm_head.weight"});
  CHECK(model.find("model.layers.0.mlp.up_proj.weight")->format == "nf4");
}

TEST_CASE("source, slots and threads do not change a byte") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  const FormatOf format_of = [](const SourceTensor& source) {
    if (source.name.ends_with(".weight")) return Format{FormatKind::nf4};
    return source.name.starts_with("layers.") ? Format{FormatKind::f32} : Format{};
  };
  for (const char* source : {"pread", "direct", "auto"}) {
    for (const char* slots : {"1", "2", "8"}) {
      for (const char* threads : {"1", "4"}) {
        INFO(source << ", " << slots << " slots, " << threads << " threads");
        Config config = small_units();
        config.set("source", source).set("slots", slots).set("threads", threads);
        config.set("match", {"weight$ -> nf4", "^layers -> f32"});
        CHECK(loaded_difference(config, path, sources, format_of) == "");
      }
    }
  }
}

TEST_CASE("a report says what the plan promised and what was reached") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  Engine engine(small_units().set("match", "weight$ -> nf4").set("slots", "3"));
  auto load = engine.load(path);
  const plimsoll::Report& report = load.report();
  const plimsoll::Plan& plan = load.plan();
  CHECK(report.load_line_bytes == plan.load_line_bytes);
  CHECK(report.final_bytes == plan.final_bytes);
  CHECK(report.slot_bytes == plan.slot_bytes);
  CHECK(report.slots == 3);
  CHECK(report.units == plan.units);
  CHECK(report.peak_full_precision_tensors >= 1);
  CHECK(report.peak_full_precision_tensors <= 3);
  CHECK(report.peak_bytes >= report.final_bytes);
  CHECK(report.peak_bytes <= report.load_line_bytes);
  CHECK(report.bytes_written == 0);
  std::uint64_t stored = 0;
  for (const SourceTensor& source : sources) stored += source.bytes.size();
  CHECK(report.bytes_read == stored);
  CHECK(report.seconds > 0);
}

TEST_CASE("a checkpoint without tensors loads to an empty model") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), {});
  Engine engine(small_units());
  auto load = engine.load(path);
  CHECK(load.get().tensors().empty());
  CHECK(load.report().bytes_read == 0);
}
