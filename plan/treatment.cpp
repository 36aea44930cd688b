#include "plan/treatment.hpp"

#include <algorithm>
#include <numeric>

#include "codecs/cast.hpp"

namespace plimsoll::plan {
namespace {

using codecs::FormatKind;

bool is_plain(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

/// Eight-bit floats fit bf16 exactly, except those with a wider exponent or more fraction; F64 is
/// rounded to f32 once, as the reference libraries do before they quantize.
Dtype natural_working(Dtype dtype) {
  if (is_plain(dtype)) return dtype;
  return bits_of(dtype) == 8 ? Dtype::bf16 : Dtype::f32;
}

Dtype working_dtype(const Stock& stock, const Treatment& treatment) {
  if (codecs::is_cast(treatment.format.kind)) return codecs::cast_dtype(treatment.format.kind);
  if (codecs::is_quantized(treatment.format.kind)) {
    return treatment.working.value_or(natural_working(stock.dtype));
  }
  return stock.dtype;
}

}  // namespace

std::uint64_t element_bytes(Dtype dtype) noexcept {
  return std::max<std::uint64_t>(bits_of(dtype) / 8, 1);
}

bool can_make(const Stock& stock, const Treatment& treatment) noexcept {
  const FormatKind kind = treatment.format.kind;
  if (kind == FormatKind::keep) return true;
  if (kind == FormatKind::fp8_block && stock.rank < 2) return false;
  if (kind == FormatKind::ggml &&
      stock.row % codecs::ggml::traits_of(treatment.format.type).block_elements != 0) {
    return false;
  }
  const Dtype working = working_dtype(stock, treatment);
  if (stock.coded && !is_plain(working)) return false;
  return stock.dtype == working || codecs::can_cast(stock.dtype, working);
}

Work work_for(const Stock& stock, const Treatment& treatment) noexcept {
  Work work;
  work.working = working_dtype(stock, treatment);
  const bool changes = stock.coded || work.working != stock.dtype;
  if (codecs::is_cast(treatment.format.kind)) {
    work.route.convert = changes;
  } else if (codecs::is_quantized(treatment.format.kind)) {
    work.route.decode = changes;
    work.route.quantize = true;
    if (treatment.format.kind == FormatKind::nf4) work.block = treatment.format.blocksize;
    if (treatment.format.kind == FormatKind::fp8_block) work.tile = codecs::fp8_tile;
    // Some quantizers of ggml look at a whole row.
    if (treatment.format.kind == FormatKind::ggml)
      work.block = std::max<std::uint64_t>(stock.row, 1);
    work.one_scale = treatment.format.kind == FormatKind::fp8_tensor;
  }
  work.block = std::lcm(work.block, stock.block);
  if (work.tile > 0) work.tile_columns = std::lcm(work.tile, stock.block);
  return work;
}

Route rearranged(Route route, bool coded) noexcept {
  route.rearrange = true;
  if (route.quantize) return route;
  // Scales and blocks belong to places in the source, so they are used up before anything moves.
  route.decode = coded && route.convert;
  route.convert = true;
  return route;
}

bool lands_at_once(const Route& route, bool coded) noexcept {
  return route.is_kept() || (coded && route.convert);
}

Route measuring(Route route) noexcept {
  route.rearrange = false;
  route.quantize = false;
  route.measure = true;
  return route;
}

}  // namespace plimsoll::plan
