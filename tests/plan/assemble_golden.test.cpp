#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "assembled.hpp"
#include "catch.hpp"
#include "plan/assemble.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using namespace plimsoll::plan::test;
using nlohmann::json;

namespace {

constexpr const char* families[] = {"ernie4_5_moe", "jamba",        "lfm2_moe",  "mixtral",
                                    "qwen2_moe",    "qwen3_vl_moe", "solar_open"};

std::string folder(const std::string& family) {
  return "convert/" + family;
}

std::map<std::string, Dense> model_of(const std::string& family) {
  return stored(golden_checkpoint(folder(family) + "/expected.safetensors"));
}

std::map<std::string, std::string> tied_of(const std::string& family) {
  std::ifstream stream(std::string(PLIMSOLL_GOLDEN_DIR) + "/" + folder(family) + "/meta.json");
  REQUIRE(stream.is_open());
  return json::parse(stream)["tied"];
}

/// All that the model has: the stored tensors and those that share their memory.
std::vector<ExpectedTensor> expected_for(const std::string& family,
                                         const std::map<std::string, Dense>& model) {
  std::vector<ExpectedTensor> expected = expected_of(model);
  for (const auto& [name, other] : tied_of(family)) {
    expected.push_back({name, model.at(other).dtype, model.at(other).shape});
  }
  return expected;
}

Assembly assembled(const Checkpoint& checkpoint, TargetLayout layout,
                   const std::vector<ExpectedTensor>* expected = nullptr) {
  auto out =
      assemble(checkpoint.catalogue, shipped_rules(), checkpoint.config, layout,
               expected ? std::optional(std::span<const ExpectedTensor>(*expected)) : std::nullopt);
  INFO((out ? std::string() : std::string(out.error().what())));
  REQUIRE(out.has_value());
  return std::move(*out);
}

/// Names first, so that a failure is readable.
void check_same(const std::map<std::string, Dense>& found,
                const std::map<std::string, Dense>& wanted) {
  for (const auto& [name, dense] : wanted) {
    INFO(name);
    const auto at = found.find(name);
    REQUIRE(at != found.end());
    CHECK(at->second.dtype == dense.dtype);
    CHECK(at->second.shape == dense.shape);
    CHECK((at->second.bytes == dense.bytes));
  }
  CHECK(found.size() == wanted.size());
}

}  // namespace

TEST_CASE("the reference checkpoints become the reference models, byte for byte") {
  for (const std::string family : families) {
    const Checkpoint checkpoint = golden_checkpoint(folder(family));
    const std::map<std::string, Dense> model = model_of(family);
    const std::vector<ExpectedTensor> expected = expected_for(family, model);
    for (bool listed : {true, false}) {
      INFO(family << (listed ? ", the model's tensors known" : ", without the model's tensors"));
      const Assembly assembly =
          assembled(checkpoint, TargetLayout::transformers, listed ? &expected : nullptr);
      check_same(made(checkpoint, assembly.blueprints), model);
      CHECK(std::map<std::string, std::string>(assembly.tied.begin(), assembly.tied.end()) ==
            tied_of(family));
      CHECK(assembly.missing.empty());
      CHECK(assembly.unexpected.empty());
      CHECK(assembly.mismatched.empty());
      CHECK(assembly.lost_scales.empty());
      CHECK(assembly.open_checks.empty() == listed);
    }
  }
}

TEST_CASE("layout hub leaves the reference checkpoints as they are stored") {
  for (const std::string family : families) {
    INFO(family);
    const Checkpoint checkpoint = golden_checkpoint(folder(family));
    const std::vector<ExpectedTensor> expected = expected_for(family, model_of(family));
    for (const std::vector<ExpectedTensor>* list : {&expected, {}}) {
      const Assembly assembly = assembled(checkpoint, TargetLayout::hub, list);
      check_same(made(checkpoint, assembly.blueprints), stored(checkpoint));
      REQUIRE(assembly.blueprints.tensors.size() == checkpoint.catalogue.tensors.size());
      for (std::size_t i = 0; i < checkpoint.catalogue.tensors.size(); ++i) {
        CHECK(assembly.blueprints.tensors[i].name == checkpoint.catalogue.tensors[i].name);
        CHECK_FALSE(assembly.blueprints.tensors[i].model_dtype.has_value());
      }
      CHECK(assembly.missing.empty());
      CHECK(assembly.unexpected.empty());
      CHECK(assembly.open_checks.empty() == (list != nullptr));
    }
  }
}

TEST_CASE("a merged checkpoint is taken apart into the published one") {
  for (const std::string family : families) {
    // Its merged form has the names of its published one, and the library does not tell them apart.
    if (family == "qwen3_vl_moe") continue;
    INFO(family);
    const Checkpoint published = golden_checkpoint(folder(family));
    Blueprints merged = assembled(published, TargetLayout::transformers).blueprints;
    for (Blueprint& tensor : merged.tensors) tensor.model_dtype.reset();
    const Checkpoint written = checkpoint_of(made(published, merged), published.config);
    CHECK(written.catalogue.tensors.size() < published.catalogue.tensors.size());
    const Assembly back = assembled(written, TargetLayout::hub);
    check_same(made(written, back.blueprints), stored(published));
    const Assembly there = assembled(written, TargetLayout::transformers);
    check_same(made(written, there.blueprints), model_of(family));
  }
}

TEST_CASE("blueprints stand in the order of their first sources") {
  const Checkpoint checkpoint = golden_checkpoint(folder("qwen2_moe"));
  REQUIRE(checkpoint.catalogue.files.size() == 3);
  std::uint32_t last = 0;
  for (const Blueprint& tensor :
       assembled(checkpoint, TargetLayout::transformers).blueprints.tensors) {
    std::uint32_t first = ~std::uint32_t{0};
    for (const views::StridedBox& box : tensor.view.boxes()) first = std::min(first, box.source);
    CHECK(first >= last);
    last = first;
  }
}
