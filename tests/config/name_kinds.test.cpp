#include "config/name_kinds.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "config/linear_weights.hpp"

using namespace plimsoll::config;
using nlohmann::json;

TEST_CASE("names that differ in numbers alone are of one kind") {
  NameKinds kinds;
  CHECK(kinds.size() == 0);
  CHECK(kinds.kind_of("model.layers.3.mlp.experts.17.up_proj.weight") == 0);
  CHECK(kinds.kind_of("model.layers.10.mlp.experts.4.up_proj.weight") == 0);
  CHECK(kinds.kind_of("model.layers.3.mlp.experts.17.up_proj.bias") == 1);
  CHECK(kinds.kind_of("model.layers.3.mlp.experts.up_proj.weight") == 2);
  CHECK(kinds.size() == 3);
}

TEST_CASE("only a whole part is a number, and every dot counts") {
  NameKinds kinds;
  std::set<std::size_t> found;
  const std::vector<std::string> names = {"conv1.weight", "conv2.weight", "",     "7",  ".7",
                                          "7.",           "..",           ".",    "a7", "a.-1",
                                          "a.1e1",        "a.0",          "a.0x1"};
  for (const std::string& name : names) found.insert(kinds.kind_of(name));
  CHECK(found.size() == names.size());
  CHECK(kinds.kind_of("a.00") == kinds.kind_of("a.12345678901234567890123"));
}

TEST_CASE("the shipped patterns say the same of all names of a kind") {
  const LinearRule rule;
  std::ifstream stream(PLIMSOLL_GOLDEN_DIR "/config/reference_models.json");
  REQUIRE(stream.is_open());
  std::size_t met_again = 0;
  for (const json& model : json::parse(stream)) {
    const std::string type = model["type"];
    NameKinds kinds;
    std::vector<std::pair<std::string, bool>> first;
    for (const auto& [name, rank] :
         model["tensors"].get<std::vector<std::pair<std::string, int>>>()) {
      // A name of another number, as a model of more layers has it.
      const std::size_t at = name.find(".0.");
      const std::string other =
          at == std::string::npos ? name : name.substr(0, at) + ".90." + name.substr(at + 3);
      for (const std::string& one : {name, other}) {
        const bool linear = rule.is_linear_weight(
            one, plimsoll::Dtype::bf16,
            std::vector<std::uint64_t>(static_cast<std::size_t>(rank), 8), type);
        const std::size_t kind = kinds.kind_of(one);
        if (kind == first.size()) {
          first.emplace_back(one, linear);
          continue;
        }
        INFO(type << ": " << first[kind].first << " and " << one);
        CHECK(first[kind].second == linear);
        ++met_again;
      }
    }
  }
  CHECK(met_again > 1000);
}
