#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/expected_tensors.hpp"
#include "plimsoll/engine.hpp"
#include "stored_components.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::LoadOptions;
using plimsoll::Report;

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> families = {"ernie4_5_moe", "jamba",        "lfm2_moe",  "mixtral",
                                           "qwen2_moe",    "qwen3_vl_moe", "solar_open"};

std::string golden(const std::string& family) {
  return std::string(PLIMSOLL_GOLDEN_DIR) + "/convert/" + family;
}

/// The checkpoint alone, without what the library made of it beside.
std::string checkpoint_of(const std::string& family, const ScratchDirectory& scratch) {
  const std::string directory = scratch.path(family);
  fs::create_directories(directory);
  for (const fs::directory_entry& file : fs::directory_iterator(golden(family))) {
    const std::string name = file.path().filename().string();
    if (name == "expected.safetensors" || name == "meta.json") continue;
    fs::copy(file.path(), directory + "/" + name);
  }
  return directory;
}

Config merging() {
  Config config;
  config.set("layout", "transformers").set("to", "keep").set("threads", "2");
  return config;
}

}  // namespace

TEST_CASE("every golden family becomes the library's model, byte for byte") {
  const ScratchDirectory scratch;
  for (const std::string& family : families) {
    const std::string path = checkpoint_of(family, scratch);
    const StoredComponents truth = stored_components(golden(family) + "/expected.safetensors");
    for (const char* unit_bytes : {"64", "1000", "1MiB"}) {
      for (const bool listed : {false, true}) {
        INFO(family << " in units of " << unit_bytes << (listed ? ", names listed" : ""));
        Engine engine(merging().set("unit-bytes", unit_bytes));
        LoadOptions options;
        if (listed) {
          options.expected =
              plimsoll::io::read_expected_tensors(golden(family) + "/expected.safetensors").value();
        }
        const auto load = engine.load(path, options);
        CHECK(components_of(load.get()) == truth);
        const Report& report = load.report();
        CHECK(report.missing.empty());
        CHECK(report.unexpected.empty());
        CHECK(report.mismatched.empty());
        CHECK(report.unchecked.empty() == listed);
        CHECK(report.peak_bytes <= report.load_line_bytes);
      }
    }
  }
}

TEST_CASE("a merged checkpoint is written back expert by expert") {
  const ScratchDirectory scratch;
  for (const std::string& family : families) {
    if (family == "qwen3_vl_moe") continue;  // published merged, under the model's own names
    INFO(family);
    const std::string path = checkpoint_of(family, scratch);
    const std::string merged = scratch.path(family + "-merged");
    const std::string back = scratch.path(family + "-back");
    static_cast<void>(Engine(merging()).quantize(path, merged).report());
    static_cast<void>(Engine(Config().set("to", "keep")).quantize(merged, back).report());
    CHECK(stored_components(back) == stored_components(path));
  }
}

TEST_CASE("one scale for all experts is the same however they come together") {
  const ScratchDirectory scratch;
  const std::string path = checkpoint_of("mixtral", scratch);
  std::map<std::string, StoredComponents> results;
  for (const char* merge : {"auto", "gather", "two-pass"}) {
    INFO(merge);
    Engine engine(merging().set("to", "fp8-tensor").set("merge", merge).set("unit-bytes", "2KiB"));
    const auto load = engine.load(path);
    results[merge] = components_of(load.get());
    CHECK(load.report().peak_bytes <= load.report().load_line_bytes);
    CHECK(load.plan().merges.contains(std::string(merge) == "auto" ? "two-pass" : merge));
  }
  CHECK(results["auto"] == results["gather"]);
  CHECK(results["auto"] == results["two-pass"]);
}

TEST_CASE("the smallest load line is enough for merges, one full-precision tensor at a time") {
  const ScratchDirectory scratch;
  const std::string path = checkpoint_of("mixtral", scratch);
  for (const char* format : {"nf4", "fp8-block", "fp8-tensor", "f32"}) {
    INFO(format);
    const StoredComponents truth =
        components_of(Engine(merging().set("to", format)).load(path).get());
    const auto smallest = Engine(merging().set("to", format)).plan(path).smallest_load_line_bytes;
    Engine engine(merging().set("to", format).set("budget", std::to_string(smallest)));
    const auto load = engine.load(path);
    CHECK(components_of(load.get()) == truth);
    CHECK(load.report().peak_full_precision_tensors == 1);
    CHECK(load.report().peak_bytes <= smallest);
  }
}

TEST_CASE("a rank reads what it has of every tensor, and all ranks together everything") {
  const ScratchDirectory scratch;
  const std::string path = checkpoint_of("qwen2_moe", scratch);
  const auto whole = Engine(merging()).plan(path).bytes_to_read;
  std::uint64_t together = 0;
  for (const char* rank : {"0/2", "1/2"}) {
    Engine engine(merging().set("parallel", rank));
    const auto load = engine.load(path);
    static_cast<void>(load.get());
    CHECK(load.report().bytes_read < whole * 3 / 4);
    together += load.report().bytes_read;
  }
  CHECK(together >= whole);
}
