#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "assembled.hpp"
#include "catch.hpp"
#include "plan/assemble.hpp"
#include "rules/inverse_rule.hpp"
#include "rules/name_mapping.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using namespace plimsoll::plan::test;

namespace {

// Sizes that every operation can divide: heads, halves, thirds and quarters.
constexpr std::uint64_t rows = 24;
constexpr std::uint64_t columns = 48;
constexpr std::size_t experts = 4;

constexpr const char* config_text = R"({"num_attention_heads": 2, "num_key_value_heads": 1,
    "hidden_size": 24, "moe_intermediate_size": 24, "split_ngram_parts": 4,
    "vision_config": {"num_attention_heads": 2}})";

config::HfConfig config_of(const std::string& class_name) {
  config::HfConfig config = config::parse_hf_config(config_text, "config.json").value();
  config.architecture = class_name;
  return config;
}

bool stacks(const rules::Convert& rule) {
  return std::any_of(rule.operations.begin(), rule.operations.end(), [](const auto& operation) {
    return std::holds_alternative<rules::MergeModulelist>(operation) ||
           std::holds_alternative<rules::ErnieFuseAndSplit>(operation);
  });
}

/// A shape that the rule's operations apply to.
io::Shape shape_for(const rules::Convert& rule, const std::string& name) {
  bool three = false;
  bool square = false;
  for (const rules::Operation& operation : rule.operations) {
    if (const auto* transpose = std::get_if<rules::Transpose>(&operation)) {
      three = three || std::max(transpose->dim0, transpose->dim1) > 1;
      square = transpose->if_shape_differs && name.find("down_proj") != std::string::npos;
    }
    if (const auto* interleave = std::get_if<rules::Interleave>(&operation)) {
      three = three || interleave->dim > 0;
    }
    if (std::holds_alternative<rules::Concatenate>(operation)) {
      three = three || std::get<rules::Concatenate>(operation).dim > 0;
    }
  }
  if (three && !stacks(rule)) return {experts, rows, square ? rows : columns};
  return {rows, columns};
}

Dense dense_of(const io::Shape& shape, std::uint8_t seed) {
  Dense out{Dtype::u8, shape, {}};
  out.bytes.resize(io::element_count(shape));
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    out.bytes[i] = static_cast<std::byte>((i * 37 + i / 256 + seed * 101u) & 0xff);
  }
  return out;
}

/// Tensors whose names read like a conversion's patterns.
void add_made_up(const rules::Convert& rule, const rules::ListUse& use, const std::string& base,
                 std::map<std::string, Dense>& out) {
  const auto inverse = rules::inverse_of(rules::Rule(rule));
  REQUIRE(inverse.has_value());
  const rules::Convert& back = std::get<rules::Convert>(*inverse);
  std::string scope = use.scope && !base.empty() ? base + "." : "";
  // Elsewhere in that model another list has renamed the projections by then.
  if (use.key == "mistral_large4") scope = "vision_encoder.";
  if (use.scope && !use.scope->empty()) scope += *use.scope + ".";
  for (std::size_t i = 0; i < back.to.size(); ++i) {
    const std::string& pattern = back.to[i];
    REQUIRE(pattern.find('\\') == std::string::npos);
    std::string before = scope;
    if (!rule.from[i].starts_with('^'))
      before += pattern.starts_with('.') ? "layers.1" : "layers.1.";
    const std::size_t count = pattern.find('*') == std::string::npos ? 1 : experts;
    for (std::size_t e = 0; e < count; ++e) {
      const std::size_t star = std::min(pattern.find('*'), pattern.size());
      std::string name = before;
      name.append(pattern, 0, star);
      if (star < pattern.size()) name.append(std::to_string(e)).append(pattern, star + 1);
      if (name.ends_with('.')) name += "weight";
      out[name] = dense_of(shape_for(rule, name), static_cast<std::uint8_t>(out.size()));
    }
  }
}

/// The made-up checkpoint of a class, and how many of its tensors go into conversions.
std::map<std::string, Dense> made_up(const rules::Architecture& facts) {
  std::map<std::string, Dense> out;
  for (const rules::ListUse& use : facts.lists) {
    for (const rules::Rule& rule : *shipped_rules().list(use.key)) {
      if (const auto* convert = std::get_if<rules::Convert>(&rule)) {
        add_made_up(*convert, use, facts.base, out);
      }
    }
  }
  return out;
}

std::size_t claimed(const std::string& class_name, const std::map<std::string, Dense>& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, dense] : tensors) names.push_back(name);
  const auto rules = rules::NameRules::compile(
      shipped_rules(), shipped_rules().choose(config_of(class_name)).architecture);
  REQUIRE(rules.has_value());
  const auto mapping = rules->map(names, std::nullopt);
  REQUIRE(mapping.has_value());
  std::size_t count = 0;
  for (const rules::Product& product : mapping->products) {
    for (const auto& list : product.sources) count += product.conversion ? list.size() : 0;
  }
  return count;
}

/// The names of what only one of two has, or has otherwise.
std::string differences(const std::map<std::string, Dense>& found,
                        const std::map<std::string, Dense>& wanted) {
  std::string out;
  for (const auto& [name, dense] : found) {
    const auto at = wanted.find(name);
    if (at == wanted.end() || !(at->second == dense)) out.append(" +").append(name);
  }
  for (const auto& [name, dense] : wanted) {
    if (!found.contains(name)) out.append(" -").append(name);
  }
  return out;
}

}  // namespace

TEST_CASE("every conversion of every class composes to views") {
  std::size_t classes = 0;
  std::set<std::vector<std::string>> seen;
  for (const auto& [name, facts] : shipped_rules().architectures()) {
    const std::map<std::string, Dense> tensors = made_up(facts);
    if (tensors.empty()) continue;
    ++classes;
    INFO(name);
    CHECK(claimed(name, tensors) == tensors.size());
    const Checkpoint checkpoint = checkpoint_of(tensors, config_of(name));
    const auto assembly = assemble(checkpoint.catalogue, shipped_rules(), checkpoint.config,
                                   TargetLayout::transformers, std::nullopt);
    INFO((assembly ? "" : assembly.error().what()));
    CHECK(assembly.has_value());
    if (!assembly) continue;
    std::size_t there = 0;
    std::size_t here = 0;
    for (const auto& [source, dense] : tensors) there += dense.bytes.size();
    for (const auto& [target, dense] : made(checkpoint, assembly->blueprints)) {
      here += dense.bytes.size();
    }
    CHECK(here == there);
  }
  CHECK(classes > 200);
}

TEST_CASE("every class that merges experts takes them apart again") {
  std::size_t classes = 0;
  for (const auto& [name, facts] : shipped_rules().architectures()) {
    const std::map<std::string, Dense> tensors = made_up(facts);
    bool merges = false;
    for (const rules::ListUse& use : facts.lists) {
      for (const rules::Rule& rule : *shipped_rules().list(use.key)) {
        const auto* convert = std::get_if<rules::Convert>(&rule);
        merges = merges || (convert && stacks(*convert));
      }
    }
    if (!merges) continue;
    ++classes;
    INFO(name);
    const Checkpoint checkpoint = checkpoint_of(tensors, config_of(name));
    const auto there = assemble(checkpoint.catalogue, shipped_rules(), checkpoint.config,
                                TargetLayout::transformers, std::nullopt);
    if (!there) continue;  // told by the case above
    const Checkpoint merged = checkpoint_of(made(checkpoint, there->blueprints), checkpoint.config);
    const auto back =
        assemble(merged.catalogue, shipped_rules(), merged.config, TargetLayout::hub, std::nullopt);
    INFO((back ? "" : back.error().what()));
    CHECK(back.has_value());
    if (!back) continue;
    const auto result = made(merged, back->blueprints);
    if (facts.published_merged) {
      CHECK((result == stored(merged)));
      continue;
    }
    const Checkpoint again = checkpoint_of(result, checkpoint.config);
    const auto model = assemble(again.catalogue, shipped_rules(), again.config,
                                TargetLayout::transformers, std::nullopt);
    REQUIRE(model.has_value());
    CHECK(differences(made(again, model->blueprints), stored(merged)) == "");
    CHECK(result.size() == tensors.size());
  }
  CHECK(classes > 100);
}

TEST_CASE("stacks that are renamed or transposed on the way in get their published form back") {
  struct Family {
    const char* architecture;
    std::vector<std::pair<std::string, io::Shape>> published;
  };
  const std::vector<Family> families = {
      {"GraniteMoeForCausalLM",
       {{"model.layers.0.block_sparse_moe.input_linear.weight", {experts, columns, rows}},
        {"model.layers.0.block_sparse_moe.output_linear.weight", {experts, rows, rows}},
        {"model.layers.0.block_sparse_moe.router.layer.weight", {experts, rows}},
        {"model.layers.0.self_attn.q_proj.weight", {rows, rows}}}},
      {"AriaTextForCausalLM",
       {{"model.layers.0.mlp.experts.fc1.weight", {experts, rows, columns}},
        {"model.layers.0.mlp.experts.fc2.weight", {experts, rows, rows}},
        {"model.layers.0.mlp.shared_experts.up_proj.weight", {columns, rows}}}},
      // Told by the first stack; the second is square.
      {"Qwen3VLMoeForConditionalGeneration",
       {{"model.language_model.layers.0.mlp.experts.gate_up_proj", {experts, rows, columns}},
        {"model.language_model.layers.0.mlp.experts.down_proj", {experts, rows, rows}},
        {"model.language_model.layers.0.mlp.gate.weight", {experts, rows}}}}};
  for (const Family& family : families) {
    INFO(family.architecture);
    std::map<std::string, Dense> tensors;
    for (const auto& [name, shape] : family.published) {
      tensors[name] = dense_of(shape, static_cast<std::uint8_t>(tensors.size()));
    }
    const auto assembled = [&](const Checkpoint& checkpoint, TargetLayout layout) {
      const auto assembly =
          assemble(checkpoint.catalogue, shipped_rules(), checkpoint.config, layout, std::nullopt);
      REQUIRE(assembly.has_value());
      return made(checkpoint, assembly->blueprints);
    };
    const Checkpoint published = checkpoint_of(tensors, config_of(family.architecture));
    CHECK(differences(assembled(published, TargetLayout::hub), tensors) == "");
    const auto model = assembled(published, TargetLayout::transformers);
    CHECK(differences(model, tensors) != "");
    const Checkpoint merged = checkpoint_of(model, published.config);
    CHECK(differences(assembled(merged, TargetLayout::hub), tensors) == "");
  }
}
