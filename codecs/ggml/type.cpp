#include "codecs/ggml/type.hpp"

#include <algorithm>
#include <array>

namespace plimsoll::codecs::ggml {
namespace {

using enum Importance;

// Sizes and quantizers of ggml v0.21.
constexpr std::array table = {
    Traits{Type::f32, "f32", 1, 4, true, ignored},
    Traits{Type::f16, "f16", 1, 2, true, ignored},
    Traits{Type::q4_0, "q4_0", 32, 18, true, used},
    Traits{Type::q4_1, "q4_1", 32, 20, true, used},
    Traits{Type::q5_0, "q5_0", 32, 22, true, used},
    Traits{Type::q5_1, "q5_1", 32, 24, true, used},
    Traits{Type::q8_0, "q8_0", 32, 34, true, ignored},
    Traits{Type::q8_1, "q8_1", 32, 36, false, ignored},
    Traits{Type::q2_k, "q2_K", 256, 84, true, used},
    Traits{Type::q3_k, "q3_K", 256, 110, true, used},
    Traits{Type::q4_k, "q4_K", 256, 144, true, used},
    Traits{Type::q5_k, "q5_K", 256, 176, true, used},
    Traits{Type::q6_k, "q6_K", 256, 210, true, used},
    Traits{Type::q8_k, "q8_K", 256, 292, false, ignored},
    Traits{Type::iq2_xxs, "iq2_xxs", 256, 66, true, needed},
    Traits{Type::iq2_xs, "iq2_xs", 256, 74, true, needed},
    Traits{Type::iq3_xxs, "iq3_xxs", 256, 98, true, used},
    Traits{Type::iq1_s, "iq1_s", 256, 50, true, needed},
    Traits{Type::iq4_nl, "iq4_nl", 32, 18, true, used},
    Traits{Type::iq3_s, "iq3_s", 256, 110, true, used},
    Traits{Type::iq2_s, "iq2_s", 256, 82, true, used},
    Traits{Type::iq4_xs, "iq4_xs", 256, 136, true, used},
    Traits{Type::i8, "i8", 1, 1, false, ignored},
    Traits{Type::i16, "i16", 1, 2, false, ignored},
    Traits{Type::i32, "i32", 1, 4, false, ignored},
    Traits{Type::i64, "i64", 1, 8, false, ignored},
    Traits{Type::f64, "f64", 1, 8, false, ignored},
    Traits{Type::iq1_m, "iq1_m", 256, 56, true, used},
    Traits{Type::bf16, "bf16", 1, 2, true, ignored},
    Traits{Type::tq1_0, "tq1_0", 256, 54, true, ignored},
    Traits{Type::tq2_0, "tq2_0", 256, 66, true, ignored},
    Traits{Type::mxfp4, "mxfp4", 32, 17, true, ignored},
    Traits{Type::nvfp4, "nvfp4", 64, 36, true, ignored},
    Traits{Type::q1_0, "q1_0", 128, 18, true, ignored},
    Traits{Type::q2_0, "q2_0", 64, 18, true, ignored},
};

constexpr char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_word(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace

const Traits& traits_of(Type type) noexcept {
  return *std::ranges::find(table, type, &Traits::type);
}

std::optional<Type> type_of(std::uint32_t id) noexcept {
  const auto found = std::ranges::find(table, static_cast<Type>(id), &Traits::type);
  if (found == table.end()) return std::nullopt;
  return found->type;
}

std::optional<Type> type_of(std::string_view name) noexcept {
  for (const Traits& traits : table) {
    if (same_word(traits.name, name)) return traits.type;
  }
  return std::nullopt;
}

std::span<const Traits> all_types() noexcept {
  return table;
}

bool is_block_type(Type type) noexcept {
  return traits_of(type).block_elements > 1;
}

}  // namespace plimsoll::codecs::ggml
