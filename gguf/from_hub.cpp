#include "gguf/from_hub.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "gguf/from_hub_config.hpp"
#include "gguf/from_hub_metadata.hpp"
#include "gguf/from_hub_names.hpp"
#include "gguf/from_hub_tokenizer.hpp"

namespace plimsoll::gguf {
namespace {

/// The families, with what general.architecture calls them.
struct KnownFamily {
  std::string_view name;
  std::string_view architecture;
};
constexpr KnownFamily known_families[] = {
    {"gemma2", "gemma2"}, {"gemma3", "gemma3"},      {"llama", "llama"}, {"mistral", "llama"},
    {"mixtral", "llama"}, {"phi3", "phi3"},          {"qwen2", "qwen2"}, {"qwen2_moe", "qwen2moe"},
    {"qwen3", "qwen3"},   {"qwen3_moe", "qwen3moe"},
};

/// Models of several parts, of which the language model becomes a file.
bool is_composite(std::string_view class_name) {
  return class_name == "Gemma3ForConditionalGeneration";
}

const Family* family_of_class(const NameTables& tables, std::string_view class_name) {
  if (is_composite(class_name)) class_name = "Gemma3ForCausalLM";
  const auto known = std::ranges::find_if(tables.families, [&](const Family& family) {
    return family.class_name == class_name &&
           std::ranges::find(known_families, family.name, &KnownFamily::name) !=
               std::end(known_families);
  });
  return known == tables.families.end() ? nullptr : &*known;
}

bool has_any_start(std::string_view name, std::initializer_list<std::string_view> starts) {
  return std::ranges::any_of(starts,
                             [&](std::string_view start) { return name.starts_with(start); });
}

/// What the converter passes over without a word.
bool is_passed_over(std::string_view family, std::string_view name) {
  if (name.ends_with(".attention.masked_bias") || name.ends_with(".attention.bias") ||
      name.ends_with(".rotary_emb.inv_freq")) {
    return true;
  }
  if (family == "gemma2") return name == "lm_head.weight";
  return family == "gemma3" &&
         has_any_start(name, {"multi_modal_projector.", "vision_tower.", "vision_model.",
                              "model.multi_modal_projector.", "model.vision_tower."});
}

/// The name of a language model's tensor without the part's name.
std::string own_name(std::string name) {
  constexpr std::string_view part = "language_model.";
  const std::size_t at = name.find(part);
  if (at != std::string::npos) name.erase(at, part.size());
  return name;
}

bool stays_f32(const std::string& name, std::size_t rank) {
  return rank <= 1 || !name.ends_with(".weight") || name.ends_with("_norm.weight") ||
         name.ends_with(".ffn_gate_inp.weight") || name.ends_with(".ffn_gate_inp_shexp.weight");
}

/// Makes the tensors of one file, in its order.
class FileTensors {
 public:
  FileTensors(const io::Catalogue& catalogue, const Family& family, const HubMembers& config)
      : catalogue_(catalogue), family_(family), config_(config), names_(family) {}

  Expected<void> add_all(FromHub& made) {
    for (const std::uint32_t source : in_order()) {
      if (auto added = add(source, made); !added) return added;
    }
    return check_stacks();
  }

 private:
  /// Parts of stacks of one layer that have come: by row, which orders the stacks, and by place.
  using Stacks = std::map<std::string, std::map<std::uint64_t, std::uint32_t>>;

  /// Files in turn, the tensors of each by name.
  [[nodiscard]] std::vector<std::uint32_t> in_order() const {
    std::vector<std::uint32_t> order(catalogue_.tensors.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](std::uint32_t left, std::uint32_t right) {
      const io::TensorEntry& a = catalogue_.tensors[left];
      const io::TensorEntry& b = catalogue_.tensors[right];
      return std::tie(a.file, a.name) < std::tie(b.file, b.name);
    });
    return order;
  }

  [[nodiscard]] tl::unexpected<Error> wrong(std::uint32_t source, ErrorCode code,
                                            std::string reason) const {
    const io::TensorEntry& entry = catalogue_.tensors[source];
    return fail(code, std::move(reason), catalogue_.files[entry.file].path, entry.name);
  }

  Expected<void> add(std::uint32_t source, FromHub& made) {
    const io::TensorEntry& entry = catalogue_.tensors[source];
    const std::string name = own_name(entry.name);
    if (is_passed_over(family_.name, name)) return {};
    const auto named = names_.of(name);
    if (!named) {
      made.unnamed.push_back(entry.name);
      return {};
    }
    if (named->part) return stack(source, *named, made);
    auto tensor = tensor_of(source, *named->row);
    if (!tensor) return fail(tensor.error());
    finish(named->name, {source}, *std::move(tensor), made);
    return {};
  }

  static void finish(std::string name, std::vector<std::uint32_t> sources, FromHubTensor tensor,
                     FromHub& made) {
    tensor.stays_f32 = stays_f32(name, tensor.shape.size());
    tensor.name = std::move(name);
    tensor.sources = std::move(sources);
    made.tensors.push_back(std::move(tensor));
  }

  /// Shape, order and map of what one source becomes.
  Expected<FromHubTensor> tensor_of(std::uint32_t source, const NameRow& row) const {
    FromHubTensor tensor;
    tensor.shape = catalogue_.tensors[source].shape;
    if (row.operations.map == codecs::ElementMap::subtract_one) {
      const bool in_f16 = catalogue_.tensors[source].dtype == Dtype::f16;
      tensor.map = in_f16 ? codecs::ElementMap::add_one_in_f16 : codecs::ElementMap::add_one;
    }
    if (row.operations.reorder != Reorder::rope_halves) return tensor;
    auto heads = config_.number({"num_attention_heads"});
    if (row.operations.heads == HeadKind::key_value) {
      heads = config_.number({"num_key_value_heads", "num_attention_heads"});
    }
    const std::uint64_t rows = tensor.shape.empty() ? 1 : tensor.shape.front();
    if (!heads || *heads == 0 || rows % *heads != 0 || rows / *heads % 2 != 0) {
      return wrong(source, ErrorCode::malformed,
                   std::to_string(rows) + " rows cannot be those of the heads in config.json");
    }
    const std::uint64_t half = rows / *heads / 2;
    if (half <= 1) return tensor;
    tensor.order = io::StoredOrder{{*heads, 2, half}, {0, 2, 1}};
    for (std::size_t axis = 1; axis < tensor.shape.size(); ++axis) {
      tensor.order->axes.push_back(static_cast<std::uint32_t>(tensor.order->stored.size()));
      tensor.order->stored.push_back(tensor.shape[axis]);
    }
    return tensor;
  }

  /// Keeps a part until its layer has all parts of all stacks, as the converter does.
  Expected<void> stack(std::uint32_t source, const GgufName& named, FromHub& made) {
    const auto experts = config_.number({"num_local_experts", "num_experts"});
    if (!experts || *named.part >= *experts) {
      return wrong(
          source, ErrorCode::malformed,
          "config.json says that there are " + std::to_string(experts.value_or(0)) + " experts");
    }
    Stacks& stacks = layers_[named.layer];
    stacks[named.row->to][*named.part] = source;
    rows_[named.row->to] = named.row;
    gguf_names_[named.layer][named.row->to] = named.name;
    const bool whole = stacks.size() == 3 && std::ranges::all_of(stacks, [&](const auto& each) {
                         return each.second.size() == *experts;
                       });
    if (!whole) return {};
    for (const auto& [row, parts] : stacks) {
      if (auto added = add_stack(*rows_[row], gguf_names_[named.layer][row], parts, made); !added) {
        return added;
      }
    }
    layers_.erase(named.layer);
    gguf_names_.erase(named.layer);
    return {};
  }

  Expected<void> add_stack(const NameRow& row, std::string name,
                           const std::map<std::uint64_t, std::uint32_t>& parts, FromHub& made) {
    std::vector<std::uint32_t> sources;
    const io::Shape& shape = catalogue_.tensors[parts.begin()->second].shape;
    for (const auto& [part, source] : parts) {
      if (catalogue_.tensors[source].shape != shape) {
        return wrong(source, ErrorCode::malformed, "its shape is not that of the first expert's");
      }
      sources.push_back(source);
    }
    auto tensor = tensor_of(sources.front(), row);
    if (!tensor) return fail(tensor.error());
    tensor->shape.insert(tensor->shape.begin(), sources.size());
    finish(std::move(name), std::move(sources), *std::move(tensor), made);
    return {};
  }

  [[nodiscard]] Expected<void> check_stacks() const {
    if (layers_.empty()) return {};
    const auto& [layer, stacks] = *layers_.begin();
    return wrong(stacks.begin()->second.begin()->second, ErrorCode::malformed,
                 "layer " + std::to_string(layer) + " does not have all experts");
  }

  const io::Catalogue& catalogue_;
  const Family& family_;
  const HubMembers& config_;
  GgufNames names_;
  std::map<std::uint64_t, Stacks> layers_;
  std::map<std::uint64_t, std::map<std::string, std::string>> gguf_names_;
  std::map<std::string, const NameRow*> rows_;
};

}  // namespace

Expected<FromHub> from_hub(const io::Catalogue& catalogue, const NameTables& tables,
                           const HubTexts& texts) {
  auto config = HubMembers::read(texts.config);
  if (!config) return fail(config.error());
  const std::string class_name = config->class_name();
  const Family* family = family_of_class(tables, class_name);
  if (!family) {
    return fail(
        ErrorCode::unsupported,
        "checkpoints of the class '" + class_name.substr(0, 200) + "' cannot be made GGUF files",
        "config.json");
  }
  const std::string architecture(
      std::ranges::find(known_families, family->name, &KnownFamily::name)->architecture);
  set_family_defaults(family->name, *config);
  FromHub made;
  made.metadata.set("general.architecture", io::GgufValue::of(architecture));
  // Their keys come first, as the converter makes them with the tensors.
  for (MadeTensor& extra : made_tensors(family->name, architecture, *config, made.metadata)) {
    FromHubTensor tensor;
    tensor.name = std::move(extra.name);
    tensor.shape = {extra.values.size()};
    tensor.values = std::move(extra.values);
    tensor.stays_f32 = true;
    made.tensors.push_back(std::move(tensor));
  }
  made.metadata.set("general.type", io::GgufValue::of(std::string_view("model")));
  made.metadata.set("general.name", io::GgufValue::of(texts.name));
  add_architecture_keys(family->name, architecture, *config, made.metadata, made.missing);
  FileTensors tensors(catalogue, *family, *config);
  if (auto added = tensors.add_all(made); !added) return fail(added.error());
  if (auto added = add_tokenizer_keys(family->name, *config, texts, made.metadata, made.missing);
      !added) {
    return fail(added.error());
  }
  return made;
}

}  // namespace plimsoll::gguf
