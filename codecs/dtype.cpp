#include "plimsoll/dtype.hpp"

#include <array>

namespace plimsoll {
namespace {

struct Traits {
  std::string_view name;
  std::uint8_t bits;
  bool floating;
};

constexpr std::array<Traits, dtype_count> traits = {{
    {"BOOL", 8, false},   {"F4", 4, true},          {"F6_E2M3", 6, true},     {"F6_E3M2", 6, true},
    {"U8", 8, false},     {"I8", 8, false},         {"F8_E5M2", 8, true},     {"F8_E4M3", 8, true},
    {"F8_E8M0", 8, true}, {"F8_E4M3FNUZ", 8, true}, {"F8_E5M2FNUZ", 8, true}, {"I16", 16, false},
    {"U16", 16, false},   {"F16", 16, true},        {"BF16", 16, true},       {"I32", 32, false},
    {"U32", 32, false},   {"F32", 32, true},        {"C64", 64, false},       {"F64", 64, true},
    {"I64", 64, false},   {"U64", 64, false},
}};

constexpr const Traits& of(Dtype dtype) {
  return traits[static_cast<std::size_t>(dtype)];
}

}  // namespace

unsigned bits_of(Dtype dtype) noexcept {
  return of(dtype).bits;
}
std::string_view name_of(Dtype dtype) noexcept {
  return of(dtype).name;
}
bool is_floating_point(Dtype dtype) noexcept {
  return of(dtype).floating;
}

std::optional<Dtype> dtype_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < traits.size(); ++i) {
    if (traits[i].name == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

}  // namespace plimsoll
