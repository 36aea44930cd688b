#include "codecs/torch_dtype.hpp"

#include <array>
#include <utility>

namespace plimsoll::codecs {
namespace {

// The first name of a dtype is the one that torch prints.
constexpr auto names = std::to_array<std::pair<std::string_view, Dtype>>({
    {"bfloat16", Dtype::bf16},
    {"float16", Dtype::f16},
    {"half", Dtype::f16},
    {"float32", Dtype::f32},
    {"float", Dtype::f32},
    {"float64", Dtype::f64},
    {"double", Dtype::f64},
    {"float8_e4m3fn", Dtype::f8_e4m3},
    {"float8_e5m2", Dtype::f8_e5m2},
    {"float8_e4m3fnuz", Dtype::f8_e4m3fnuz},
    {"float8_e5m2fnuz", Dtype::f8_e5m2fnuz},
    {"float8_e8m0fnu", Dtype::f8_e8m0},
    {"bool", Dtype::boolean},
    {"uint8", Dtype::u8},
    {"int8", Dtype::i8},
    {"uint16", Dtype::u16},
    {"int16", Dtype::i16},
    {"uint32", Dtype::u32},
    {"int32", Dtype::i32},
    {"uint64", Dtype::u64},
    {"int64", Dtype::i64},
    {"complex64", Dtype::c64},
});

}  // namespace

std::string_view torch_name(Dtype dtype) noexcept {
  for (const auto& [name, known] : names) {
    if (known == dtype) return name;
  }
  return {};
}

std::optional<Dtype> torch_dtype(std::string_view name) noexcept {
  constexpr std::string_view prefix = "torch.";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  for (const auto& [known, dtype] : names) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

}  // namespace plimsoll::codecs
