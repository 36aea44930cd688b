#include "config/skip_defaults.hpp"

#include <algorithm>
#include <array>

#include "config/name_kinds.hpp"
#include "config/written_word.hpp"

namespace plimsoll::config {
namespace {

/// True for "model.layers.3.mlp": one of many equal blocks.
bool in_numbered_block(std::string_view module) {
  while (true) {
    const std::size_t dot = module.find('.');
    if (is_digits(module.substr(0, dot))) return true;
    if (dot == std::string_view::npos) return false;
    module.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string_view name_of(SkipReason reason) noexcept {
  constexpr std::array<std::string_view, 4> names = {"output head", "tied", "last module",
                                                     "kept in fp32"};
  return names[static_cast<std::size_t>(reason)];
}

std::string_view module_of(std::string_view tensor) {
  const std::size_t dot = tensor.rfind('.');
  return dot == std::string_view::npos ? tensor : tensor.substr(0, dot);
}

SkipDefaults::SkipDefaults() {
  const PatternFile file("skips");
  output_heads_ = file.patterns("output-heads", "output-heads");
  tied_ = file.patterns("tied", "tied");
  kept_fp32_ = file.patterns("fp32", "fp32");
  embeddings_ = file.patterns("embeddings", "embeddings");
  task_heads_ = file.patterns("task-heads", "task-heads");
  headed_architectures_ = file.patterns("architectures", "architectures");
  tied_by_default_ = file.words("tied-by-default", "types");
  std::sort(tied_by_default_.begin(), tied_by_default_.end());
}

bool SkipDefaults::ties_embeddings(const HfConfig& facts) const {
  if (facts.tie_word_embeddings) return *facts.tie_word_embeddings;
  return std::binary_search(tied_by_default_.begin(), tied_by_default_.end(), facts.model_type);
}

std::optional<std::string> SkipDefaults::last_module(std::span<const std::string> names) const {
  // A head for a task is registered after the base model, whatever its name sorts behind.
  for (std::size_t i = names.size(); i > 0; --i) {
    const std::string_view module = module_of(names[i - 1]);
    if (task_heads_.match(module, {})) return std::string(module);
  }
  // What follows the numbered layers of a base model (a final norm, a pooler) is registered after
  // them, and embeddings before them, while their names may sort the other way. A model that has
  // nothing behind its layers ends with a norm, which is no linear weight anyway.
  for (std::size_t i = names.size(); i > 0; --i) {
    const std::string_view module = module_of(names[i - 1]);
    if (module.find("embed") == std::string_view::npos && !in_numbered_block(module)) {
      return std::string(module);
    }
  }
  return std::nullopt;
}

std::vector<SkippedModule> SkipDefaults::modules(const std::optional<HfConfig>& facts,
                                                 std::span<const std::string> names) const {
  const HfConfig known = facts.value_or(HfConfig{});
  const bool has_class = !known.model_type.empty() || !known.architecture.empty();
  const bool headed = headed_architectures_.match(known.architecture, {});
  const auto found = [&](const FamilyPatterns& patterns, std::string_view module) {
    return patterns.match(module, known.model_type) ||
           (!known.text_model_type.empty() && patterns.match(module, known.text_model_type));
  };
  struct Findings {
    bool output_head, embedding, tied, kept_fp32;
  };
  NameKinds kinds;
  std::vector<Findings> findings;  // one a kind
  const auto findings_of = [&](std::string_view module) {
    const std::size_t kind = kinds.kind_of(module);
    if (kind == findings.size()) {
      findings.push_back({found(output_heads_, module), found(embeddings_, module),
                          found(tied_, module), found(kept_fp32_, module)});
    }
    return findings[kind];
  };

  const bool any_head = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.ends_with(".weight") && findings_of(module_of(name)).output_head;
  });
  const bool tied = headed && ties_embeddings(known);
  // Where the class has an output head, the last parameter is the head's or a norm's.
  std::optional<std::string> last;
  if (has_class && !headed && !any_head) last = last_module(names);

  std::vector<SkippedModule> out;
  const auto add = [&](std::string_view module, SkipReason reason) {
    if (out.empty() || out.back().module != module) out.push_back({std::string(module), reason});
  };
  for (const std::string& name : names) {
    if (!name.ends_with(".weight")) continue;
    const std::string_view module = module_of(name);
    const Findings is = findings_of(module);
    if (is.output_head) {
      add(module, SkipReason::output_head);
    } else if ((tied && is.embedding) || is.tied) {
      add(module, SkipReason::tied);
    } else if (last && module == *last) {
      add(module, SkipReason::last_module);
    } else if (is.kept_fp32) {
      add(module, SkipReason::kept_fp32);
    }
  }
  return out;
}

}  // namespace plimsoll::config
