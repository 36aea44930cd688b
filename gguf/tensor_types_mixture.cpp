#include "gguf/tensor_types_mixture.hpp"

#include <charconv>
#include <optional>

namespace plimsoll::gguf {
namespace {

using codecs::ggml::Type;

/// Layers at both ends of the model, and every third between them.
bool wants_more_bits(std::uint64_t layer, std::uint64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

bool is_lowest(Ftype ftype) {
  using enum Ftype;
  return ftype == iq1_s || ftype == iq1_m || ftype == iq2_xxs || ftype == iq2_xs ||
         ftype == iq2_s || ftype == iq2_m;
}

/// The number N of "blk.N.".
std::optional<std::uint64_t> layer_in(std::string_view name) {
  constexpr std::string_view prefix = "blk.";
  if (!name.starts_with(prefix)) return std::nullopt;
  std::uint64_t layer = 0;
  const auto [stop, error] =
      std::from_chars(name.data() + prefix.size(), name.data() + name.size(), layer);
  if (error != std::errc{}) return std::nullopt;
  return layer;
}

}  // namespace

Mixture::Mixture(Ftype ftype, const Model& model) noexcept
    : ftype_(ftype),
      base_(traits_of(ftype).type),
      model_(model),
      is_lowest_(is_lowest(ftype)),
      has_eight_experts_(model.facts.experts == 8) {}

Expected<Type> Mixture::next(std::string_view name, TensorRole role, const io::Shape& shape) {
  using enum TensorRole;
  if (role == output || (role == token_embedding && model_.is_tied)) return of_output(shape);
  if (ftype_ == Ftype::mxfp4_moe) {
    const bool is_merged = shape.size() >= 3 && shape[shape.size() - 3] > 1;
    return is_merged ? Type::mxfp4 : Type::q8_0;
  }
  if (role == token_embedding) return of_embeddings();
  if (is_lowest_) return lowest_next(role);
  switch (role) {
    case attention_value:
      return of_attention_value();
    case attention_key:
      return of_attention_key();
    case attention_query:
      return of_attention_query();
    case attention_output:
      return of_attention_output();
    case ffn_down:
      return layer_of(name, ffn_down_seen_).map([this](std::uint64_t layer) {
        return model_.facts.is_falcon ? of_falcon_ffn_down(layer) : of_ffn_down(layer);
      });
    case ffn_gate:
      return layer_of(name, ffn_gate_seen_).map([this](std::uint64_t layer) {
        return of_ffn_up(layer);
      });
    case ffn_up:
      return layer_of(name, ffn_up_seen_).map([this](std::uint64_t layer) {
        return of_ffn_up(layer);
      });
    default:
      return base_;
  }
}

Type Mixture::of_output(const io::Shape& shape) const {
  const std::uint64_t block = codecs::ggml::traits_of(base_).block_elements;
  const std::uint64_t row = shape.empty() ? 1 : shape.back();
  if (ftype_ == Ftype::mxfp4_moe || model_.facts.is_falcon || row % block != 0) return Type::q8_0;
  if (is_lowest_ || ftype_ == Ftype::iq3_xxs) return Type::q5_k;
  return base_ == Type::q8_0 ? Type::q8_0 : Type::q6_k;
}

Type Mixture::of_embeddings() const {
  switch (ftype_) {
    using enum Ftype;
    case iq1_s:
    case iq1_m:
    case iq2_xxs:
    case iq2_xs:
      return Type::q2_k;
    case iq2_s:
    case iq2_m:
    case iq3_xxs:
      return Type::iq3_s;
    case tq1_0:
    case tq2_0:
      return Type::q4_k;
    default:
      return base_;
  }
}

/// What the lowest types take for tensors that need more.
Type Mixture::raised() const {
  return ftype_ == Ftype::iq2_s || ftype_ == Ftype::iq2_m ? Type::iq3_s : Type::q2_k;
}

Type Mixture::lowest_next(TensorRole role) {
  switch (role) {
    using enum TensorRole;
    case attention_value: {
      const bool is_small = model_.facts.queries_per_kv >= 4 || model_.facts.experts >= 4;
      return is_small ? Type::q4_k : raised();
    }
    case attention_key:
      return has_eight_experts_ ? Type::q4_k : base_;
    // By count even in models with experts, unlike the other types.
    case ffn_down:
      return in_first_eighth(ffn_down_seen_++) ? raised() : base_;
    case attention_output:
      return lowest_attention_output();
    default:
      return base_;
  }
}

Type Mixture::lowest_attention_output() const {
  if (has_eight_experts_) return Type::q5_k;
  switch (ftype_) {
    using enum Ftype;
    case iq1_s:
    case iq1_m:
      return Type::iq2_xxs;
    case iq2_s:
    case iq2_m:
      return Type::iq3_s;
    default:
      return base_;
  }
}

Type Mixture::of_attention_value() {
  const std::uint64_t index = attention_values_seen_++;
  // Next to experts, or where few of them serve all queries, values are a small part of the model.
  if (has_eight_experts_) return Type::q8_0;
  const bool is_small = model_.facts.queries_per_kv >= 4;
  Type type = base_;
  switch (ftype_) {
    using enum Ftype;
    case q2_k:
      type = is_small ? Type::q4_k : Type::q3_k;
      break;
    case q2_k_s:
    case iq3_xs:
    case iq3_s:
      type = is_small ? Type::q4_k : base_;
      break;
    case iq3_xxs:
      type = is_small ? Type::q4_k : model_.has_importance ? Type::iq3_xxs : Type::iq3_s;
      break;
    case iq3_m:
      type = Type::q4_k;
      break;
    case q3_k_m:
      type = index < 2 ? Type::q5_k : Type::q4_k;
      break;
    case q3_k_l:
      type = Type::q5_k;
      break;
    case iq4_nl:
    case iq4_xs:
      type = is_small ? Type::q5_k : base_;
      break;
    case q4_k_m:
    case q5_k_m:
      type = wants_more_bits(index, model_.attention_values) ? Type::q6_k : base_;
      break;
    case q4_k_s:
      type = index < 4 ? Type::q5_k : base_;
      break;
    default:
      break;
  }
  if (model_.facts.is_70b && (type == Type::q3_k || type == Type::q4_k)) return Type::q5_k;
  return type;
}

Type Mixture::of_attention_query() const {
  if (ftype_ == Ftype::iq3_xs) return Type::iq3_xxs;
  return ftype_ == Ftype::iq3_xxs ? Type::iq2_s : base_;
}

Type Mixture::of_attention_key() const {
  return has_eight_experts_ ? Type::q8_0 : of_attention_query();
}

Type Mixture::of_attention_output() const {
  using enum Ftype;
  if (model_.facts.is_falcon) return ftype_ == q3_k_l ? Type::q4_k : base_;
  if (has_eight_experts_) {
    const bool is_raised = ftype_ == q2_k || ftype_ == iq3_xxs || ftype_ == iq3_xs ||
                           ftype_ == iq3_s || ftype_ == iq3_m || ftype_ == q3_k_s ||
                           ftype_ == q3_k_m || ftype_ == iq4_nl || ftype_ == iq4_xs ||
                           ftype_ == q4_k_s || ftype_ == q4_k_m;
    return is_raised ? Type::q5_k : base_;
  }
  switch (ftype_) {
    case q2_k:
      return Type::q3_k;
    case iq3_xxs:
      return Type::iq3_s;
    case q3_k_m:
    case iq3_m:
      return Type::q4_k;
    case q3_k_l:
      return Type::q5_k;
    default:
      return base_;
  }
}

bool Mixture::in_first_eighth(std::uint64_t layer) const {
  return layer < model_.facts.layers / 8;
}

Type Mixture::of_ffn_down(std::uint64_t layer) const {
  const std::uint64_t layers = model_.facts.layers;
  const bool more = wants_more_bits(layer, layers);
  const bool early = in_first_eighth(layer);
  switch (ftype_) {
    using enum Ftype;
    case q2_k:
      return Type::q3_k;
    case q2_k_s:
      return early ? Type::q4_k : base_;
    case iq3_xxs:
      if (model_.has_importance) return base_;
      return early ? Type::q4_k : Type::q3_k;
    case q3_k_m:
      return layer < layers / 16 ? Type::q5_k : Type::q4_k;
    case iq3_m:
      return early || (has_eight_experts_ && more) ? Type::q4_k : base_;
    case q3_k_l:
      return Type::q5_k;
    case q4_k_m:
    case q5_k_m:
      return more ? Type::q6_k : base_;
    case iq4_nl:
    case iq4_xs:
      return early && !model_.has_importance ? Type::q5_k : base_;
    case q4_k_s:
      return early ? Type::q5_k : base_;
    case q4_0:
      return early && model_.has_importance ? Type::q4_1 : base_;
    case q5_0:
      return early && model_.has_importance ? Type::q5_1 : base_;
    default:
      return base_;
  }
}

Type Mixture::of_falcon_ffn_down(std::uint64_t layer) const {
  const std::uint64_t layers = model_.facts.layers;
  const bool first = layer < layers / 16;
  const bool more = wants_more_bits(layer, layers);
  switch (ftype_) {
    using enum Ftype;
    case q3_k_m:
      return first ? Type::q5_k : more ? Type::q4_k : Type::q3_k;
    case q3_k_l:
      return Type::q4_k;
    case q4_k_m:
      return first ? Type::q6_k : more ? Type::q5_k : Type::q4_k;
    case q4_k_s:
      return base_;
    default:
      return of_ffn_down(layer);
  }
}

Type Mixture::of_ffn_up(std::uint64_t layer) const {
  const bool is_inner = !in_first_eighth(layer) && layer < 7 * model_.facts.layers / 8;
  return ftype_ == Ftype::iq3_xs && is_inner ? Type::iq3_xxs : base_;
}

/// Experts of old files are tensors of their own that do not come layer by layer; so with experts
/// the name tells the layer, else the count.
Expected<std::uint64_t> Mixture::layer_of(std::string_view name, std::uint64_t& counter) const {
  const std::uint64_t count = counter++;
  if (model_.facts.experts <= 1) return count;
  const std::optional<std::uint64_t> layer = layer_in(name);
  if (!layer || *layer >= model_.facts.layers) {
    return fail(ErrorCode::unsupported,
                "a model with experts, and the tensor's name does not tell which of its " +
                    std::to_string(model_.facts.layers) + " layers it belongs to",
                std::string(), std::string(name));
  }
  return *layer;
}

}  // namespace plimsoll::gguf
