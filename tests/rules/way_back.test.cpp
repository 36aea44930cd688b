#include "rules/way_back.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using namespace plimsoll::rules;

namespace {

using Names = std::vector<std::string>;

WayBack way_back(const std::string& list, const std::string& uses = "\"c\"") {
  RuleSet set;
  const auto added =
      set.add_text("[rules.c]\nlist = [" + list +
                       "]\n[[architectures.c]]\nclasses = [\"C\"]\nrules = [" + uses + "]\n",
                   "c.toml");
  REQUIRE(added.has_value());
  Expected<WayBack> back = WayBack::compile(set, *set.architecture("C"));
  REQUIRE(back.has_value());
  return std::move(*back);
}

const std::string mixtral =
    "'.moe. -> .mlp.', 'add x', '.experts.*.w1.weight .experts.*.w3.weight -> .experts.gate_up "
    "by merge_modulelist(dim=0) concatenate(dim=1)', 'qkv -> q k by chunk(dim=0)'";

}  // namespace

TEST_CASE("stacked tensors have a way back into numbered ones, others have not") {
  const WayBack back = way_back(mixtral);
  CHECK(back.unstacks("l.0.mlp.experts.gate_up").value());
  for (const char* name : {"l.0.mlp.experts.gate_ups", "l.0.q", "l.0.mlp.experts.0.w1.weight"}) {
    INFO(name);
    CHECK_FALSE(back.unstacks(name).value());
  }
}

TEST_CASE("on the way back one conversion comes first, and all renames on what it gave") {
  const WayBack back = way_back(mixtral);
  const Names names = {"l.0.mlp.experts.gate_up", "l.0.mlp.gate", "l.0.k", "l.0.q", "l.1.mlp.a"};
  const auto products = back.map(names, {false, false, false, false, true});
  REQUIRE(products.has_value());
  REQUIRE(products->size() == 3);
  const BackProduct& fused = products->at(0);
  CHECK(fused.name == "l.0.qkv");
  CHECK(fused.sources == std::vector<std::vector<std::uint32_t>>{{3}, {2}});
  CHECK(back.names_of(fused, Names{"qkv"}).value() == Names{"l.0.qkv"});
  const BackProduct& experts = products->at(1);
  CHECK(experts.name == "l.0.mlp.experts.*.w1.weight");
  CHECK(back.names_of(experts, Names{".experts.0.w1.weight", ".experts.1.w1.weight",
                                     ".experts.0.w3.weight", ".experts.1.w3.weight"})
            .value() == Names{"l.0.moe.experts.0.w1.weight", "l.0.moe.experts.1.w1.weight",
                              "l.0.moe.experts.0.w3.weight", "l.0.moe.experts.1.w3.weight"});
  CHECK(products->at(2).name == "l.0.moe.gate");
  CHECK_FALSE(products->at(2).conversion.has_value());
}

TEST_CASE("a scope confines the way back too") {
  const WayBack back = way_back("'.a. -> .b.'", "\"c @ text\"");
  const auto products = back.map(Names{"model.text.0.b.x", "vision.0.b.x"}, {false, false});
  REQUIRE(products.has_value());
  CHECK(products->at(0).name == "model.text.0.a.x");
  CHECK(products->at(1).name == "vision.0.b.x");
}

TEST_CASE("two tensors for one place on the way back are an error, as is a result without a name") {
  const WayBack back = way_back("'t -> x by transpose(dim0=0,dim1=1) back x\\d'");
  CHECK(back.map(Names{"x1", "y.x1"}, {false, false}).has_value());
  const auto twice = back.map(Names{"x1", "x2"}, {false, false});
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().code() == ErrorCode::malformed);
  CHECK(twice.error().tensor() == "x2");
  const auto lost = back.names_of({"a.b", {}, 0}, Names{"c"});
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code() == ErrorCode::unsupported);
}
