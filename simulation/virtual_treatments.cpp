#include "simulation/virtual_treatments.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "codecs/ggml/encode.hpp"
#include "codecs/ggml/plain.hpp"
#include "io/gguf.hpp"
#include "plan/packed_sources.hpp"

namespace plimsoll::simulation {
namespace {

using codecs::FormatKind;
using codecs::ggml::Type;

/// The types that rows of so many elements can be made to. Searches of the smallest ones take
/// milliseconds, so only small tensors have them.
Type draw_type(Choices& choices, std::uint64_t row, std::uint64_t elements) {
  static constexpr Type types[] = {Type::q8_0,   Type::q4_0,  Type::q4_1,  Type::q5_0, Type::q5_1,
                                   Type::iq4_nl, Type::mxfp4, Type::nvfp4, Type::q1_0, Type::q2_0,
                                   Type::q2_k,   Type::q3_k,  Type::q4_k,  Type::q5_k, Type::q6_k,
                                   Type::iq4_xs, Type::tq1_0, Type::tq2_0};
  static constexpr Type slow[] = {Type::iq3_s,  Type::iq3_xxs, Type::iq2_s, Type::iq2_xxs,
                                  Type::iq2_xs, Type::iq1_s,   Type::iq1_m};
  if (row % 256 == 0 && elements <= 1024 && choices.chance(20)) return choices.one_of(slow);
  Type type = choices.one_of(types);
  for (int tries = 0; tries < 20; ++tries) {
    if (row % codecs::ggml::traits_of(type).block_elements == 0) break;
    type = choices.one_of(types);
  }
  return type;
}

codecs::Format draw_format(Choices& choices, FormatKind kind, const views::View& view) {
  static constexpr codecs::Fp8Recipe recipes[] = {
      codecs::Fp8Recipe::finegrained, codecs::Fp8Recipe::transformers, codecs::Fp8Recipe::vllm};
  codecs::Format format;
  format.kind = kind;
  if (kind == FormatKind::nf4) {
    format.variant = choices.chance(50) ? codecs::Nf4Variant::cuda : codecs::Nf4Variant::cpu;
    format.blocksize = 32u << choices.below(choices.chance(80) ? 4 : 8);
  } else if (kind == FormatKind::fp8_block) {
    format.recipe = choices.one_of(recipes);
    format.scale = choices.chance(50) ? codecs::Fp8Scale::f32 : codecs::Fp8Scale::ue8m0;
  } else if (kind == FormatKind::ggml) {
    const std::uint64_t row = view.shape().empty() ? 1 : view.shape().back();
    format.type = draw_type(choices, row, view.elements());
    codecs::ggml::prepare_encoder(format.type);
  }
  return format;
}

plan::Treatment draw_treatment(Choices& choices, FormatKind kind, const views::View& view) {
  static constexpr Dtype dtypes[] = {Dtype::bf16, Dtype::f16, Dtype::f32};
  plan::Treatment treatment{draw_format(choices, kind, view), std::nullopt};
  if (codecs::is_quantized(kind) && choices.chance(30)) treatment.working = choices.one_of(dtypes);
  return treatment;
}

/// What a load's plan is made of, as far as treatments depend on it.
class Stocks {
 public:
  Stocks(const io::Catalogue& catalogue, const plan::Blueprints& blueprints)
      : catalogue_(catalogue), blueprints_(blueprints), packed_(plan::packed_sources(catalogue)) {}

  [[nodiscard]] plan::Stock of(const plan::Blueprint& tensor) const {
    plan::Stock stock{tensor.dtype, plan::scales_of(blueprints_, tensor) != nullptr,
                      tensor.view.shape().size()};
    if (!tensor.view.shape().empty()) stock.row = tensor.view.shape().back();
    if (packed_.empty() || tensor.view.box_count() == 0) return stock;
    const plan::PackedStock packed = plan::packed_stock(catalogue_, packed_, tensor.view);
    stock.coded = packed.coded;
    stock.block = packed.block;
    return stock;
  }

  /// The source whose coded bytes would be kept; null where there are none.
  [[nodiscard]] const plan::PackedSource* coded_source(const plan::Blueprint& tensor) const {
    if (packed_.empty() || !of(tensor).coded) return nullptr;
    return &packed_[tensor.view.source(0)];
  }

  /// Coded bytes stay only as they are.
  [[nodiscard]] bool can_keep(const plan::Blueprint& tensor) const {
    const plan::PackedSource* const source = coded_source(tensor);
    return source == nullptr ||
           (tensor.view.is_contiguous() && source->stored.map == codecs::ElementMap::none);
  }

 private:
  const io::Catalogue& catalogue_;
  const plan::Blueprints& blueprints_;
  const std::vector<plan::PackedSource> packed_;
};

plan::Treatment possible(const Stocks& stocks, const plan::Blueprint& tensor,
                         const plan::Treatment& wanted) {
  if (wanted.format.kind != FormatKind::keep && plan::can_make(stocks.of(tensor), wanted)) {
    return wanted;
  }
  if (stocks.can_keep(tensor)) return {};
  return {codecs::cast_to(Dtype::f32), std::nullopt};
}

/// None, one a column, or one a column of every matrix; seldom zero.
std::vector<float> draw_importance(Choices& choices, Type type, const io::Shape& shape) {
  using codecs::ggml::Importance;
  const Importance use = codecs::ggml::traits_of(type).importance;
  if (use != Importance::needed && !choices.chance(use == Importance::used ? 50 : 15)) return {};
  std::uint64_t count = shape.empty() ? 1 : shape.back();
  if (shape.size() > 2 && choices.chance(60)) {
    count = io::element_count(shape) / std::max<std::uint64_t>(shape[shape.size() - 2], 1);
  }
  std::vector<float> weights(count);
  for (float& weight : weights) {
    weight = choices.chance(2) ? 0.0f : static_cast<float>(choices.between(1, 2000)) / 512.0f;
  }
  return weights;
}

bool gguf_holds(const Stocks& stocks, const plan::Blueprint& tensor, FormatKind kind) {
  if (tensor.view.shape().size() > io::max_gguf_rank) return false;
  if (tensor.name.size() > io::max_gguf_name_bytes) return false;
  if (kind == FormatKind::ggml || codecs::is_cast(kind)) return true;
  if (kind != FormatKind::keep) return false;
  return stocks.coded_source(tensor) != nullptr ||
         codecs::ggml::plain_type_of(tensor.dtype).has_value();
}

}  // namespace

DrawnTreatments draw_treatments(Choices& choices, const io::Catalogue& catalogue,
                                const plan::Blueprints& blueprints, bool for_gguf) {
  static constexpr FormatKind all[] = {
      FormatKind::keep,       FormatKind::bf16,       FormatKind::f16,       FormatKind::f32,
      FormatKind::nf4,        FormatKind::nf4,        FormatKind::fp8_block, FormatKind::fp8_block,
      FormatKind::fp8_tensor, FormatKind::fp8_tensor, FormatKind::ggml,      FormatKind::ggml};
  static constexpr FormatKind of_gguf[] = {FormatKind::keep, FormatKind::bf16, FormatKind::f16,
                                           FormatKind::f32,  FormatKind::ggml, FormatKind::ggml,
                                           FormatKind::ggml, FormatKind::ggml};
  const auto draw_kind = [&] { return for_gguf ? choices.one_of(of_gguf) : choices.one_of(all); };
  const Stocks stocks(catalogue, blueprints);
  const bool mixed = choices.chance(60);
  const FormatKind common = draw_kind();
  DrawnTreatments drawn;
  for (const plan::Blueprint& tensor : blueprints.tensors) {
    const auto wanted = draw_treatment(choices, mixed ? draw_kind() : common, tensor.view);
    const plan::Treatment& made = drawn.treatments.emplace_back(possible(stocks, tensor, wanted));
    std::vector<float>& importance = drawn.importance.emplace_back();
    if (made.format.kind == FormatKind::ggml) {
      importance = draw_importance(choices, made.format.type, tensor.view.shape());
    }
  }
  return drawn;
}

std::optional<plan::GgufTarget> draw_gguf_target(Choices& choices, const io::Catalogue& catalogue,
                                                 const plan::Blueprints& blueprints,
                                                 const std::vector<plan::Treatment>& treatments) {
  static constexpr std::uint32_t alignments[] = {8, 16, 32, 64, 256};
  const Stocks stocks(catalogue, blueprints);
  for (std::size_t i = 0; i < treatments.size(); ++i) {
    if (!gguf_holds(stocks, blueprints.tensors[i], treatments[i].format.kind)) return {};
  }
  plan::GgufTarget target;
  target.prefix = "virtual";
  target.metadata.append("general.architecture", io::GgufValue::of(std::string_view("virtual")));
  if (choices.chance(40)) {
    target.metadata.append("general.alignment", io::GgufValue::of(choices.one_of(alignments)));
  }
  if (treatments.empty() || choices.chance(60)) return target;
  target.split.keys = io::GgufSplit::Keys::of_quantize;
  target.split.counts.resize(choices.between(1, 4));
  for (std::size_t i = 0; i < treatments.size(); ++i) {
    ++target.split.counts[choices.below(target.split.counts.size())];
  }
  return target;
}

}  // namespace plimsoll::simulation
