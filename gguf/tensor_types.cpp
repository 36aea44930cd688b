#include "gguf/tensor_types.hpp"

#include <algorithm>
#include <utility>

#include "errors/printable.hpp"
#include "gguf/tensor_types_mixture.hpp"
#include "gguf/tensor_types_model.hpp"
#include "gguf/tensor_types_roles.hpp"

namespace plimsoll::gguf {
namespace {

using codecs::ggml::Traits;
using codecs::ggml::traits_of;
using codecs::ggml::Type;
using Tensor = io::GgufStoredTensor;

std::uint64_t row_of(const Tensor& tensor) {
  return tensor.shape.empty() ? 1 : tensor.shape.back();
}

bool fits(const Tensor& tensor, Type type) {
  return row_of(tensor) % traits_of(type).block_elements == 0;
}

std::string name_of(Type type) {
  return std::string(traits_of(type).name);
}

/// "rows of 48 elements are no whole blocks of q4_K (256)".
std::string misfit(const Tensor& tensor, Type type) {
  return "rows of " + std::to_string(row_of(tensor)) + " elements are no whole blocks of " +
         name_of(type) + " (" + std::to_string(traits_of(type).block_elements) + ")";
}

/// A type of smaller blocks and not fewer bits.
std::optional<Type> fallback_of(Type type) {
  switch (type) {
    case Type::iq1_s:
    case Type::iq1_m:
    case Type::iq2_xxs:
    case Type::iq2_xs:
    case Type::iq2_s:
    case Type::iq3_xxs:
    case Type::iq3_s:
    case Type::iq4_xs:
      return Type::iq4_nl;
    case Type::q2_k:
    case Type::q3_k:
    case Type::tq1_0:
    case Type::tq2_0:
      return Type::q4_0;
    case Type::q4_k:
      return Type::q5_0;
    case Type::q5_k:
      return Type::q5_1;
    case Type::q6_k:
      return Type::q8_0;
    default:
      return std::nullopt;
  }
}

/// Types whose results are useless without an importance matrix, if not for the embeddings' sake.
bool wants_importance(const TypeTarget& target, Type type) {
  switch (type) {
    case Type::iq1_s:
    case Type::iq1_m:
    case Type::iq2_xxs:
    case Type::iq2_xs:
    case Type::iq2_s:
    case Type::iq3_xxs:
      return true;
    case Type::q2_k:
      return target == TypeTarget(Ftype::q2_k_s);
    default:
      return false;
  }
}

bool is_float(Type type) {
  return type == Type::f32 || type == Type::f16 || type == Type::bf16;
}

class Chooser {
 public:
  Chooser(const TypeTarget& target, const TypeOptions& options, const std::string& file)
      : target_(target), default_(default_type_of(target)), options_(options), file_(file) {}

  /// Counts what the mixture has to know of all tensors. First of all.
  [[nodiscard]] Expected<void> look_over(const io::GgufMetadata& metadata,
                                         std::span<const Tensor> tensors);

  [[nodiscard]] Expected<TensorChoice> choose(const Tensor& tensor);

  [[nodiscard]] std::vector<std::string> take_warnings();

 private:
  [[nodiscard]] Expected<Type> type_for(const Tensor& tensor);
  [[nodiscard]] Expected<Type> mixed_type_for(const Tensor& tensor, TensorRole role);
  [[nodiscard]] Expected<std::optional<Type>> overriding_type_for(const Tensor& tensor) const;
  [[nodiscard]] Expected<std::optional<Type>> asked_type_for(const Tensor& tensor);
  [[nodiscard]] Expected<Type> fitting(const Tensor& tensor, Type type);
  [[nodiscard]] Expected<Type> unchanged(const Tensor& tensor, Type type) const;
  [[nodiscard]] Expected<void> check_conversion(const Tensor& tensor, Type type) const;
  [[nodiscard]] Expected<std::span<const float>> importance_for(const Tensor& tensor, Type type,
                                                                bool is_asked);
  void warn(const Tensor& tensor, const std::string& text) {
    warnings_.push_back(printable(tensor.name + ": " + text));
  }

  const TypeTarget& target_;
  std::optional<Type> default_;
  const TypeOptions& options_;
  const std::string& file_;
  bool is_tied_ = true;
  std::optional<Mixture> mixture_;
  std::vector<std::string> warnings_;
  std::string daring_;  // the first tensor in blocks, by an override, that no mixture quantizes
  std::size_t daring_count_ = 0;
};

Expected<void> Chooser::look_over(const io::GgufMetadata& metadata,
                                  std::span<const Tensor> tensors) {
  const auto* const ftype = std::get_if<Ftype>(&target_);
  if (ftype == nullptr || options_.pure || !default_ || !codecs::ggml::is_block_type(*default_)) {
    return {};
  }
  const auto facts = model_facts(metadata, file_);
  if (!facts) return fail(facts.error());
  Mixture::Model model{.facts = *facts, .has_importance = options_.importance != nullptr};
  for (const Tensor& tensor : tensors) {
    const TensorRole role = role_of(tensor.name);
    if (role == TensorRole::attention_value) ++model.attention_values;
    if (role == TensorRole::output) is_tied_ = false;
  }
  model.is_tied = is_tied_;
  mixture_.emplace(*ftype, model);
  return {};
}

Expected<TensorChoice> Chooser::choose(const Tensor& tensor) {
  const auto asked = asked_type_for(tensor);
  if (!asked) return fail(asked.error());
  const Expected<Type> type = *asked ? Expected<Type>(**asked) : type_for(tensor);
  if (!type) return fail(type.error());
  TensorChoice choice{.type = *type, .is_copied = *type == tensor.type};
  if (choice.is_copied) return choice;
  if (auto checked = check_conversion(tensor, *type); !checked) return fail(checked.error());
  const auto importance = importance_for(tensor, *type, asked->has_value());
  if (!importance) return fail(importance.error());
  choice.importance = *importance;
  return choice;
}

/// What an override says before anything else.
Expected<std::optional<Type>> Chooser::asked_type_for(const Tensor& tensor) {
  if (options_.reach != TypeOptions::Reach::every_tensor) return std::nullopt;
  const auto asked = overriding_type_for(tensor);
  if (!asked || !*asked) return asked;
  const auto fitted = fitting(tensor, **asked);
  if (!fitted) return fail(fitted.error());
  if (*fitted != tensor.type && codecs::ggml::is_block_type(*fitted) &&
      !is_quantizable(tensor.name, tensor.shape)) {
    if (daring_count_++ == 0) daring_ = tensor.name;
  }
  return std::optional(*fitted);
}

/// One line for all tensors that an override dares to quantize: mostly they are the same of each
/// layer.
std::vector<std::string> Chooser::take_warnings() {
  if (daring_count_ > 0) {
    const std::string others = std::to_string(daring_count_ - 1);
    warnings_.push_back(
        printable(daring_ + (daring_count_ > 1 ? " and " + others + " more tensors get" : " gets") +
                  " blocks, as asked, where llama-quantize never makes any; llama.cpp may not run "
                  "the model"));
  }
  return std::move(warnings_);
}

Expected<Type> Chooser::type_for(const Tensor& tensor) {
  const TensorRole role = role_of(tensor.name);
  const bool is_left = options_.leaves_output && role == TensorRole::output;
  if (!default_ || is_left || !is_quantizable(tensor.name, tensor.shape)) return tensor.type;
  if (options_.token_embedding_type && role == TensorRole::token_embedding) {
    return unchanged(tensor, *options_.token_embedding_type);
  }
  if (options_.output_type && role == TensorRole::output) {
    return unchanged(tensor, *options_.output_type);
  }
  if (mixture_) return mixed_type_for(tensor, role);
  return std::holds_alternative<Type>(target_) ? fitting(tensor, *default_)
                                               : unchanged(tensor, *default_);
}

Expected<Type> Chooser::mixed_type_for(const Tensor& tensor, TensorRole role) {
  if (options_.reach == TypeOptions::Reach::mixture) {
    const auto type = overriding_type_for(tensor);
    if (!type) return fail(type.error());
    if (*type) return fitting(tensor, **type);
  }
  if (options_.output_type && is_tied_ && role == TensorRole::token_embedding) {
    return fitting(tensor, *options_.output_type);
  }
  const auto type = mixture_->next(tensor.name, role, tensor.shape);
  if (!type) return fail(type.error().code(), type.error().reason(), file_, tensor.name);
  return fitting(tensor, *type);
}

Expected<std::optional<Type>> Chooser::overriding_type_for(const Tensor& tensor) const {
  for (const TypeOverride& override : options_.overrides) {
    const bool is_idle = options_.reach == TypeOptions::Reach::mixture && override.type == default_;
    if (is_idle) continue;
    const Expected<bool> found = override.pattern.search(tensor.name);
    if (!found) {
      return fail(found.error().code(), found.error().reason(), file_, tensor.name);
    }
    if (*found) return override.type;
  }
  return std::nullopt;
}

Expected<Type> Chooser::fitting(const Tensor& tensor, Type type) {
  if (fits(tensor, type)) return type;
  std::optional<Type> other = fallback_of(type);
  if (!other) {
    return fail(ErrorCode::unsupported,
                misfit(tensor, type) + ", and there is no type to fall back to", file_,
                tensor.name);
  }
  if (!fits(tensor, *other)) other = Type::f16;
  warn(tensor, misfit(tensor, type) + "; it becomes " + name_of(*other));
  return *other;
}

Expected<Type> Chooser::unchanged(const Tensor& tensor, Type type) const {
  if (fits(tensor, type)) return type;
  return fail(ErrorCode::unsupported, misfit(tensor, type), file_, tensor.name);
}

Expected<void> Chooser::check_conversion(const Tensor& tensor, Type type) const {
  if (!traits_of(type).encodes) {
    return fail(ErrorCode::invalid_argument, "no tensor can be made of type " + name_of(type),
                file_, tensor.name);
  }
  if (!is_float(tensor.type) && !codecs::ggml::is_block_type(tensor.type)) {
    return fail(ErrorCode::unsupported,
                "it has type " + name_of(tensor.type) + " and cannot become " + name_of(type),
                file_, tensor.name);
  }
  return {};
}

/// `is_asked`: for this tensor by its name, so that only what the quantizer needs counts.
Expected<std::span<const float>> Chooser::importance_for(const Tensor& tensor, Type type,
                                                         bool is_asked) {
  const TensorRole role = role_of(tensor.name);
  const bool is_spared = role == TensorRole::token_embedding || role == TensorRole::output;
  std::span<const float> weights;
  if (options_.importance != nullptr) weights = options_.importance->find(tensor.name);
  const std::size_t rank = tensor.shape.size();
  const std::uint64_t wanted = row_of(tensor) * (rank < 3 ? 1 : tensor.shape[rank - 3]);
  if (!weights.empty() && weights.size() != wanted) {
    const std::string text = "the importance matrix has " + std::to_string(weights.size()) +
                             " weights for it, not " + std::to_string(wanted);
    if (role != TensorRole::token_embedding) {
      return fail(ErrorCode::invalid_argument, text, file_, tensor.name);
    }
    warn(tensor, text + "; it is quantized without");
    weights = {};
  }
  using enum codecs::ggml::Importance;
  const bool is_needed = traits_of(type).importance == needed ||
                         (!is_asked && !is_spared && wants_importance(target_, type));
  if (!weights.empty()) return weights;
  if (is_needed) {
    return fail(ErrorCode::invalid_argument,
                "it becomes " + name_of(type) + ", which needs an importance matrix" +
                    (options_.importance == nullptr ? "" : ", and the one given lacks it"),
                file_, tensor.name);
  }
  if (options_.importance != nullptr && !is_spared && traits_of(type).importance == used) {
    warn(tensor, "the importance matrix lacks it; it is quantized without");
  }
  return weights;
}

}  // namespace

Expected<TensorChoices> choose_tensor_types(const TypeTarget& target,
                                            const io::GgufMetadata& metadata,
                                            std::span<const io::GgufStoredTensor> tensors,
                                            const TypeOptions& options, const std::string& file) {
  Chooser chooser(target, options, file);
  if (auto looked = chooser.look_over(metadata, tensors); !looked) return fail(looked.error());
  TensorChoices choices;
  choices.tensors.reserve(tensors.size());
  for (const io::GgufStoredTensor& tensor : tensors) {
    const auto choice = chooser.choose(tensor);
    if (!choice) return fail(choice.error());
    choices.tensors.push_back(*choice);
  }
  choices.warnings = chooser.take_warnings();
  return choices;
}

}  // namespace plimsoll::gguf
