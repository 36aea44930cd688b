#include "api/gguf_model.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "api/quantization.hpp"
#include "codecs/ggml/plain.hpp"
#include "gguf/from_hub.hpp"
#include "gguf/ftype_metadata.hpp"
#include "plan/source_view.hpp"
#include "plan/tile_scales.hpp"
#include "views/operations.hpp"

namespace plimsoll {
namespace {

GgufModel of_gguf(const Source& source, const io::Catalogue& catalogue) {
  GgufModel model;
  model.blueprints = plan::as_stored(catalogue);
  model.metadata = source.gguf->metadata;
  model.split = gguf::kept_split(source.gguf->tensors);
  model.sources.reserve(source.gguf->tensors.size());
  for (const io::GgufTensor& tensor : source.gguf->tensors) {
    model.sources.push_back({tensor.type, false});
  }
  return model;
}

/// The text of a file beside the weights; empty if there is none.
std::string text_beside(const io::Catalogue& catalogue, const char* name) {
  std::ifstream stream(catalogue.directory + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Makes GGUF's tensors of a published checkpoint's.
class HubModel {
 public:
  HubModel(const std::optional<config::HfConfig>& facts, io::Catalogue& catalogue)
      : facts_(facts), catalogue_(catalogue) {}

  Expected<GgufModel> make() {
    if (auto readable = check_quantization(); !readable) return fail(readable.error());
    auto pairs = plan::find_tile_scales(catalogue_, facts_ ? &*facts_ : nullptr);
    if (!pairs) return fail(pairs.error());
    pairs_ = std::move(*pairs);
    const std::string config = text_beside(catalogue_, "config.json");
    const std::string tokenizer = text_beside(catalogue_, "tokenizer.json");
    const std::string tokenizer_config = text_beside(catalogue_, "tokenizer_config.json");
    const std::string chat_template = text_beside(catalogue_, "chat_template.jinja");
    const std::string name =
        std::filesystem::absolute(catalogue_.directory).lexically_normal().filename().string();
    const auto tables = gguf::shipped_name_tables();
    if (!tables) return fail(tables.error());
    auto made = gguf::from_hub(catalogue_, *tables,
                               {name, config, tokenizer, tokenizer_config, chat_template});
    if (!made) return tl::unexpected(in_directory(made.error()));
    for (gguf::FromHubTensor& tensor : made->tensors) {
      if (auto added = add(tensor); !added) return fail(added.error());
    }
    model_.blueprints.scales = std::move(pairs_.scales);
    model_.metadata = std::move(made->metadata);
    describe_gaps(*made);
    return std::move(model_);
  }

 private:
  /// Files beside the weights go by their names alone where no directory is known.
  [[nodiscard]] Error in_directory(const Error& error) const {
    if (error.file().empty() || error.file().find('/') != std::string::npos) return error;
    return Error(error.code(), error.reason(), catalogue_.directory + "/" + error.file(),
                 error.tensor());
  }

  /// Numbers of a quantized source mean nothing without their scales.
  [[nodiscard]] Expected<void> check_quantization() const {
    const std::string_view method = unreadable_method(facts_);
    if (method.empty()) return {};
    return fail(ErrorCode::unsupported,
                "the checkpoint is quantized already (" + std::string(method) +
                    "); of its numbers no GGUF model is made",
                catalogue_.directory + "/config.json");
  }

  /// The type that its numbers have where they are read.
  [[nodiscard]] std::optional<codecs::ggml::Type> type_of(std::uint32_t source) const {
    using codecs::ggml::Type;
    if (!pairs_.scales[source])
      return codecs::ggml::plain_type_of(catalogue_.tensors[source].dtype);
    const Dtype model = facts_ ? facts_->dtype.value_or(Dtype::bf16) : Dtype::bf16;
    return model == Dtype::f32 ? Type::f32 : model == Dtype::f16 ? Type::f16 : Type::bf16;
  }

  Expected<void> add(gguf::FromHubTensor& tensor) {
    if (tensor.sources.empty()) return add_known(tensor);
    if (auto told = tell_catalogue(tensor); !told) return told;
    auto view = view_of(tensor);
    if (!view) return fail(view.error().code(), view.error().reason(), "", tensor.name);
    const std::uint32_t source = tensor.sources.front();
    const io::TensorEntry& first = catalogue_.tensors[source];
    const auto type = type_of(source);
    if (!type || !is_floating_point(first.dtype)) {
      return fail(ErrorCode::unsupported,
                  "its numbers are " + std::string(name_of(first.dtype)) +
                      ", of which no GGUF model is made; convert the checkpoint to bf16 first",
                  catalogue_.files[first.file].path, first.name);
    }
    model_.sources.push_back(
        {tensor.stays_f32 ? codecs::ggml::Type::f32 : *type,
         tensor.map != codecs::ElementMap::none || pairs_.scales[source].has_value()});
    model_.blueprints.tensors.push_back(
        {std::move(tensor.name), first.dtype, std::move(*view), std::nullopt, std::nullopt});
    return {};
  }

  Expected<void> add_known(gguf::FromHubTensor& tensor) {
    plan::Blueprint blueprint;
    blueprint.name = std::move(tensor.name);
    blueprint.view = views::whole(0, {tensor.values.size()}).value();
    blueprint.values = std::move(tensor.values);
    model_.sources.push_back({codecs::ggml::Type::f32, false});
    model_.blueprints.tensors.push_back(std::move(blueprint));
    return {};
  }

  /// How the numbers of its sources lie, and what is done to them.
  Expected<void> tell_catalogue(const gguf::FromHubTensor& tensor) {
    io::Shape part = tensor.shape;
    if (tensor.sources.size() > 1) part.erase(part.begin());
    std::uint32_t order = 0;
    if (tensor.order) {
      catalogue_.orders.push_back(*tensor.order);
      order = static_cast<std::uint32_t>(catalogue_.orders.size());
    }
    for (const std::uint32_t source : tensor.sources) {
      io::TensorEntry& entry = catalogue_.tensors[source];
      if (io::element_count(entry.shape) != io::element_count(part)) {
        return fail(ErrorCode::malformed,
                    "its shape " + views::text_of(entry.shape) + " does not fit " + tensor.name,
                    catalogue_.files[entry.file].path, entry.name);
      }
      if (entry.dtype != catalogue_.tensors[tensor.sources.front()].dtype) {
        return fail(ErrorCode::malformed, "its dtype is not that of the other experts",
                    catalogue_.files[entry.file].path, entry.name);
      }
      entry.shape = part;
      entry.order = order;
      entry.map = tensor.map;
    }
    return {};
  }

  [[nodiscard]] Expected<views::View> view_of(const gguf::FromHubTensor& tensor) const {
    std::vector<views::View> parts;
    parts.reserve(tensor.sources.size());
    for (const std::uint32_t source : tensor.sources) {
      auto part = plan::source_view(catalogue_, source);
      if (!part || tensor.sources.size() == 1) return part;
      parts.push_back(std::move(*part));
    }
    return views::stack(parts, 0);
  }

  void describe_gaps(const gguf::FromHub& made) {
    for (const gguf::MissingKey& missing : made.missing) {
      model_.missing_keys.push_back("the metadata lack " + missing.key + ": " + missing.reason);
    }
    std::unordered_set<std::string_view> scales;
    for (std::size_t i = 0; i < pairs_.weight_of.size(); ++i) {
      if (pairs_.weight_of[i]) scales.insert(catalogue_.tensors[i].name);
    }
    for (const std::string& name : made.unnamed) {
      if (scales.contains(name)) continue;
      model_.missing_keys.push_back("GGUF has no place for " + name + ", which is left out");
    }
  }

  const std::optional<config::HfConfig>& facts_;
  io::Catalogue& catalogue_;
  plan::ScalePairs pairs_;
  GgufModel model_;
};

}  // namespace

Expected<GgufModel> gguf_model(const Source& source, const std::optional<config::HfConfig>& facts,
                               io::Catalogue& catalogue) {
  return source.gguf ? of_gguf(source, catalogue) : HubModel(facts, catalogue).make();
}

}  // namespace plimsoll
