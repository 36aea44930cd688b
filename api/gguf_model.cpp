#include "api/gguf_model.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "codecs/ggml/plain.hpp"
#include "gguf/from_hub.hpp"
#include "gguf/ftype_metadata.hpp"
#include "plan/source_view.hpp"
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
  explicit HubModel(io::Catalogue& catalogue) : catalogue_(catalogue) {}

  Expected<GgufModel> make() {
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
    if (!made) return fail(made.error());
    for (gguf::FromHubTensor& tensor : made->tensors) {
      if (auto added = add(tensor); !added) return fail(added.error());
    }
    model_.metadata = std::move(made->metadata);
    describe_gaps(*made);
    return std::move(model_);
  }

 private:
  Expected<void> add(gguf::FromHubTensor& tensor) {
    if (tensor.sources.empty()) return add_known(tensor);
    if (auto told = tell_catalogue(tensor); !told) return told;
    auto view = view_of(tensor);
    if (!view) return fail(view.error().code(), view.error().reason(), "", tensor.name);
    const io::TensorEntry& first = catalogue_.tensors[tensor.sources.front()];
    const auto type = codecs::ggml::plain_type_of(first.dtype);
    if (!type || !is_floating_point(first.dtype)) {
      return fail(ErrorCode::unsupported,
                  "its numbers are " + std::string(name_of(first.dtype)) +
                      ", of which no GGUF model is made; convert the checkpoint to bf16 first",
                  catalogue_.files[first.file].path, first.name);
    }
    model_.sources.push_back({tensor.stays_f32 ? codecs::ggml::Type::f32 : *type,
                              tensor.map != codecs::ElementMap::none});
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
    for (const std::string& name : made.unnamed) {
      model_.missing_keys.push_back("GGUF has no place for " + name + ", which is left out");
    }
  }

  io::Catalogue& catalogue_;
  GgufModel model_;
};

}  // namespace

Expected<GgufModel> gguf_model(const Source& source, io::Catalogue& catalogue) {
  return source.gguf ? of_gguf(source, catalogue) : HubModel(catalogue).make();
}

}  // namespace plimsoll
