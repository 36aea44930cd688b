#include "api/gguf_recipe.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "api/recipe.hpp"
#include "codecs/ggml/plain.hpp"
#include "config/recipe_text.hpp"
#include "gguf/ftype_metadata.hpp"
#include "gguf/tensor_types.hpp"
#include "io/gguf_order.hpp"

namespace plimsoll {
namespace {

using codecs::FormatKind;
using codecs::ggml::Ftype;
using codecs::ggml::Type;

tl::unexpected<Error> not_in_gguf(const codecs::Format& format, const std::string& out) {
  return fail(ErrorCode::unsupported,
              "a GGUF model cannot hold " + config::format_text(format) +
                  "; choose an ftype such as Q4_K_M, or a type of ggml",
              out);
}

/// What `--to` asks of a GGUF model.
Expected<codecs::ggml::TypeTarget> target_of(const codecs::Format& to, const std::string& out) {
  switch (to.kind) {
    case FormatKind::keep:
      return Ftype::copy;
    case FormatKind::bf16:
      return Ftype::bf16;
    case FormatKind::f16:
      return Ftype::f16;
    case FormatKind::f32:
      return Ftype::f32;
    case FormatKind::ftype:
      return to.ftype;
    case FormatKind::ggml:
      return to.type;
    default:
      return not_in_gguf(to, out);
  }
}

/// The type that a match asks for; nothing for `keep`.
Expected<std::optional<Type>> type_of_match(const codecs::Format& format, const std::string& out) {
  if (format.kind == FormatKind::keep) return std::optional<Type>();
  if (format.kind == FormatKind::ggml) return std::optional(format.type);
  if (codecs::is_cast(format.kind)) {
    return codecs::ggml::plain_type_of(codecs::cast_dtype(format.kind));
  }
  return not_in_gguf(format, out);
}

/// `mapped`: the numbers of the source are not those of the tensor yet.
plan::Treatment treatment_for(Type type, const plan::Blueprint& tensor, Type source, bool mapped) {
  plan::Treatment treatment;
  // Eight-bit floats are read as what they stand for.
  if (!codecs::ggml::plain_type_of(tensor.dtype))
    treatment.working = codecs::ggml::dtype_of(source);
  if (codecs::ggml::is_block_type(type)) {
    if (type != source || mapped) treatment.format = {.kind = FormatKind::ggml, .type = type};
    return treatment;
  }
  const std::optional<Dtype> plain = codecs::ggml::dtype_of(type);
  const bool changes = plain != tensor.dtype || codecs::ggml::is_block_type(source) || mapped;
  if (changes && plain) treatment.format = codecs::cast_to(*plain);
  return treatment;
}

/// Puts the decisions on one model together.
class Decision {
 public:
  Decision(const config::Settings& settings, const GgufModel& model)
      : settings_(settings),
        model_(model),
        blueprints_(model.blueprints.tensors),
        sources_(model.sources) {}

  Expected<GgufRecipe> decide(const std::string& file, const std::string& out) {
    const auto target = target_of(settings_.recipe.to.value_or(codecs::Format{}), out);
    if (!target) return fail(target.error());
    if (auto read = read_matrix(); !read) return fail(read.error());
    if (auto found = find_held_back(out); !found) return fail(found.error());
    put_in_order();
    if (auto chosen = choose(*target, file); !chosen) return fail(chosen.error());
    describe(*target, out);
    return std::move(made_);
  }

 private:
  Expected<void> read_matrix() {
    if (settings_.recipe.imatrix.empty()) return {};
    auto matrix = io::read_imatrix(settings_.recipe.imatrix);
    if (!matrix) return fail(matrix.error());
    made_.matrix = std::move(*matrix);
    return {};
  }

  /// Tensors whose first match says keep, or that are skipped; the other matches become overrides.
  Expected<void> find_held_back(const std::string& out) {
    held_back_.assign(blueprints_.size(), false);
    std::vector<bool> decided(blueprints_.size(), false);
    for (const config::MatchRule& match : settings_.recipe.match) {
      const auto type = type_of_match(match.format, out);
      if (!type) return fail(type.error());
      auto pattern = config::Pattern::compile(match.pattern);
      if (!pattern) return fail(pattern.error());
      if (auto marked = mark(*pattern, decided, !type->has_value()); !marked) return marked;
      if (*type) overrides_.push_back({std::move(*pattern), **type});
    }
    if (!settings_.recipe.skip) return {};
    for (const std::string& text : *settings_.recipe.skip) {
      auto pattern = config::Pattern::compile(text);
      if (!pattern) return fail(pattern.error());
      if (auto marked = mark(*pattern, decided, true); !marked) return marked;
    }
    return {};
  }

  Expected<void> mark(const config::Pattern& pattern, std::vector<bool>& decided, bool holds_back) {
    for (std::size_t i = 0; i < blueprints_.size(); ++i) {
      if (decided[i]) continue;
      const Expected<bool> found = pattern.search(blueprints_[i].name);
      if (!found) return fail(found.error());
      if (!*found) continue;
      decided[i] = true;
      held_back_[i] = holds_back;
    }
    return {};
  }

  /// The order in which llama-quantize goes through the tensors, on which its mixtures depend.
  void put_in_order() {
    if (keeps_split()) {
      order_.resize(blueprints_.size());
      for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
      return;
    }
    std::vector<std::string_view> names;
    for (const plan::Blueprint& tensor : blueprints_) names.push_back(tensor.name);
    order_ = io::llama_quantize_order(names);
  }

  [[nodiscard]] bool keeps_split() const {
    return settings_.output.keep_split && model_.split.keys != io::GgufSplit::Keys::none;
  }

  Expected<void> choose(const codecs::ggml::TypeTarget& target, const std::string& file) {
    for (const std::uint32_t index : order_) {
      tensors_.push_back(
          {blueprints_[index].name, sources_[index].type, blueprints_[index].view.shape()});
    }
    gguf::TypeOptions options;
    options.pure = settings_.recipe.pure;
    options.overrides = overrides_;
    options.reach = gguf::TypeOptions::Reach::every_tensor;
    if (!settings_.recipe.imatrix.empty()) options.importance = &made_.matrix;
    auto choices = gguf::choose_tensor_types(target, model_.metadata, tensors_, options, file);
    if (!choices) return fail(choices.error());
    made_.warnings = std::move(choices->warnings);
    made_.treatments.resize(blueprints_.size());
    made_.importance.resize(blueprints_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const std::uint32_t index = order_[i];
      const Type type = held_back_[index] ? sources_[index].type : choices->tensors[i].type;
      made_.treatments[index] =
          treatment_for(type, blueprints_[index], sources_[index].type, sources_[index].mapped);
      made_.importance[index] = choices->tensors[i].importance;
      if (held_back_[index]) made_.left_out.push_back(blueprints_[index].name);
    }
    return {};
  }

  void describe(const codecs::ggml::TypeTarget& target, const std::string& out) {
    const gguf::ImportanceSource matrix{settings_.recipe.imatrix, made_.matrix};
    made_.target.metadata = gguf::quantized_metadata(
        model_.metadata, target, tensors_, settings_.recipe.imatrix.empty() ? nullptr : &matrix);
    made_.target.prefix = std::filesystem::path(out).stem().string();
    if (keeps_split()) made_.target.split = model_.split;
  }

  const config::Settings& settings_;
  const GgufModel& model_;
  const std::vector<plan::Blueprint>& blueprints_;
  const std::vector<GgufTensorSource>& sources_;
  std::vector<gguf::TypeOverride> overrides_;
  std::vector<bool> held_back_;
  std::vector<std::uint32_t> order_;
  std::vector<io::GgufStoredTensor> tensors_;
  GgufRecipe made_;
};

}  // namespace

Expected<void> check_gguf_formats(const config::RecipeSettings& settings, const std::string& out) {
  if (const auto target = target_of(settings.to.value_or(codecs::Format{}), out); !target) {
    return fail(target.error());
  }
  for (const config::MatchRule& match : settings.match) {
    if (const auto type = type_of_match(match.format, out); !type) return fail(type.error());
  }
  return {};
}

Expected<GgufRecipe> gguf_recipe(const config::Settings& settings, const GgufModel& model,
                                 const std::string& file, const std::string& out) {
  return Decision(settings, model).decide(file, out);
}

}  // namespace plimsoll
