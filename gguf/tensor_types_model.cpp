#include "gguf/tensor_types_model.hpp"

#include <limits>
#include <string_view>

namespace plimsoll::gguf {
namespace {

/// The keys of one architecture.
class Keys {
 public:
  Keys(const io::GgufMetadata& metadata, std::string_view architecture, const std::string& file)
      : metadata_(metadata), prefix_(std::string(architecture) + '.'), file_(file) {}

  [[nodiscard]] bool has(std::string_view name) const {
    return metadata_.find(key(name)) != nullptr;
  }

  /// A number, or the first of an array. Bounded, so that no arithmetic with it overflows.
  [[nodiscard]] Expected<std::uint64_t> number(std::string_view name) const {
    const std::string full = key(name);
    const io::GgufValue* const value = metadata_.find(full);
    if (value == nullptr) {
      return fail(ErrorCode::malformed, io::quoted_gguf_key(full) + " is missing", file_);
    }
    const std::optional<std::uint64_t> found = value->unsigned_at(0);
    if (!found || *found > std::numeric_limits<std::uint32_t>::max()) {
      return fail(ErrorCode::malformed,
                  io::quoted_gguf_key(full) + " is no count: " + value->type_text(), file_);
    }
    return *found;
  }

  [[nodiscard]] Expected<std::uint64_t> number_or(std::string_view name,
                                                  std::uint64_t otherwise) const {
    return has(name) ? number(name) : otherwise;
  }

 private:
  [[nodiscard]] std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  const io::GgufMetadata& metadata_;
  std::string prefix_;
  const std::string& file_;
};

bool is_70b(std::string_view architecture, const ModelFacts& facts, bool shares_heads) {
  if (architecture == "llama" || architecture == "llama-embed") {
    return facts.layers == 80 && facts.experts != 8 && shares_heads;
  }
  if (architecture == "jais2") return facts.layers == 68;
  return facts.layers == 80 && (architecture == "deci" || architecture == "qwen2" ||
                                architecture == "qwen2vl" || architecture == "olmo");
}

}  // namespace

Expected<ModelFacts> model_facts(const io::GgufMetadata& metadata, const std::string& file) {
  const Expected<std::string_view> architecture = metadata.string_of("general.architecture", file);
  if (!architecture) return fail(architecture.error());
  ModelFacts facts;
  if (*architecture == "clip") return facts;

  const Keys keys(metadata, *architecture, file);
  const auto layers = keys.number("block_count");
  if (!layers) return fail(layers.error());
  const auto experts = keys.number_or("expert_count", 0);
  if (!experts) return fail(experts.error());
  const auto heads = keys.number_or("attention.head_count", 0);
  if (!heads) return fail(heads.error());
  const auto kv_heads = keys.number_or("attention.head_count_kv", *heads);
  if (!kv_heads) return fail(kv_heads.error());

  facts.layers = *layers;
  facts.experts = *experts;
  facts.queries_per_kv = *kv_heads == 0 ? 0 : *heads / *kv_heads;
  facts.is_falcon = *architecture == "falcon";
  facts.is_70b = is_70b(*architecture, facts, *heads != *kv_heads);
  return facts;
}

}  // namespace plimsoll::gguf
