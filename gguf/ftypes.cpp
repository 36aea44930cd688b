#include "gguf/ftypes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace plimsoll::gguf {
namespace {

using codecs::ggml::Type;

constexpr std::array table = {
    FtypeTraits{Ftype::q1_0, "Q1_0", 40, Type::q1_0, false},
    FtypeTraits{Ftype::q4_0, "Q4_0", 2, Type::q4_0, false},
    FtypeTraits{Ftype::q4_1, "Q4_1", 3, Type::q4_1, false},
    FtypeTraits{Ftype::mxfp4_moe, "MXFP4_MOE", 38, Type::mxfp4, false},
    FtypeTraits{Ftype::q5_0, "Q5_0", 8, Type::q5_0, false},
    FtypeTraits{Ftype::q5_1, "Q5_1", 9, Type::q5_1, false},
    FtypeTraits{Ftype::iq2_xxs, "IQ2_XXS", 19, Type::iq2_xxs, true},
    FtypeTraits{Ftype::iq2_xs, "IQ2_XS", 20, Type::iq2_xs, true},
    FtypeTraits{Ftype::iq2_s, "IQ2_S", 28, Type::iq2_xs, true},
    FtypeTraits{Ftype::iq2_m, "IQ2_M", 29, Type::iq2_s, true},
    FtypeTraits{Ftype::iq1_s, "IQ1_S", 24, Type::iq1_s, true},
    FtypeTraits{Ftype::iq1_m, "IQ1_M", 31, Type::iq1_m, true},
    FtypeTraits{Ftype::tq1_0, "TQ1_0", 36, Type::tq1_0, false},
    FtypeTraits{Ftype::tq2_0, "TQ2_0", 37, Type::tq2_0, false},
    FtypeTraits{Ftype::q2_k, "Q2_K", 10, Type::q2_k, false},
    FtypeTraits{Ftype::q2_k_s, "Q2_K_S", 21, Type::q2_k, true},
    FtypeTraits{Ftype::iq3_xxs, "IQ3_XXS", 23, Type::iq3_xxs, true},
    FtypeTraits{Ftype::iq3_s, "IQ3_S", 26, Type::iq3_s, false},
    FtypeTraits{Ftype::iq3_m, "IQ3_M", 27, Type::iq3_s, false},
    FtypeTraits{Ftype::iq3_xs, "IQ3_XS", 22, Type::iq3_s, true},
    FtypeTraits{Ftype::q3_k_s, "Q3_K_S", 11, Type::q3_k, false},
    FtypeTraits{Ftype::q3_k_m, "Q3_K_M", 12, Type::q3_k, false},
    FtypeTraits{Ftype::q3_k_l, "Q3_K_L", 13, Type::q3_k, false},
    FtypeTraits{Ftype::iq4_nl, "IQ4_NL", 25, Type::iq4_nl, false},
    FtypeTraits{Ftype::iq4_xs, "IQ4_XS", 30, Type::iq4_xs, false},
    FtypeTraits{Ftype::q4_k_s, "Q4_K_S", 14, Type::q4_k, false},
    FtypeTraits{Ftype::q4_k_m, "Q4_K_M", 15, Type::q4_k, false},
    FtypeTraits{Ftype::q5_k_s, "Q5_K_S", 16, Type::q5_k, false},
    FtypeTraits{Ftype::q5_k_m, "Q5_K_M", 17, Type::q5_k, false},
    FtypeTraits{Ftype::q6_k, "Q6_K", 18, Type::q6_k, false},
    FtypeTraits{Ftype::q8_0, "Q8_0", 7, Type::q8_0, false},
    FtypeTraits{Ftype::f16, "F16", 1, Type::f16, false},
    FtypeTraits{Ftype::bf16, "BF16", 32, Type::bf16, false},
    FtypeTraits{Ftype::f32, "F32", 0, Type::f32, false},
    FtypeTraits{Ftype::copy, "COPY", 0, Type::f32, false},
};

constexpr bool table_is_indexed_by_ftype() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].ftype) != i) return false;
  }
  return true;
}
static_assert(table_is_indexed_by_ftype());

struct Alias {
  std::string_view name;
  Ftype ftype;
};

constexpr std::array aliases = {
    Alias{"Q3_K", Ftype::q3_k_m},
    Alias{"Q4_K", Ftype::q4_k_m},
    Alias{"Q5_K", Ftype::q5_k_m},
};

constexpr char upper(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

bool same_word(std::string_view name, std::string_view word) {
  return std::ranges::equal(name, word, {}, {}, upper);
}

std::optional<std::uint32_t> number_of(std::string_view word) {
  std::uint32_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace

const FtypeTraits& traits_of(Ftype ftype) noexcept {
  return table[static_cast<std::size_t>(ftype)];
}

std::span<const FtypeTraits> all_ftypes() noexcept {
  return table;
}

std::optional<Ftype> ftype_of(std::string_view word) noexcept {
  for (const FtypeTraits& traits : table) {
    if (same_word(traits.name, word)) return traits.ftype;
  }
  for (const Alias& alias : aliases) {
    if (same_word(alias.name, word)) return alias.ftype;
  }
  const std::optional<std::uint32_t> id = number_of(word);
  if (!id) return std::nullopt;
  // F32 stands before COPY, which has no id of its own.
  const auto found = std::ranges::find(table, *id, &FtypeTraits::id);
  if (found == table.end()) return std::nullopt;
  return found->ftype;
}

std::optional<TypeTarget> type_target_of(std::string_view word) noexcept {
  if (const std::optional<Ftype> ftype = ftype_of(word)) return *ftype;
  const std::optional<Type> type = codecs::ggml::type_of(word);
  if (!type || !codecs::ggml::traits_of(*type).encodes) return std::nullopt;
  return *type;
}

std::optional<Type> default_type_of(const TypeTarget& target) noexcept {
  if (const auto* type = std::get_if<Type>(&target)) return *type;
  const Ftype ftype = std::get<Ftype>(target);
  if (ftype == Ftype::copy) return std::nullopt;
  return traits_of(ftype).type;
}

std::optional<std::uint32_t> file_type_id_of(Type type) noexcept {
  constexpr std::uint32_t nvfp4_id = 39;  // known to llama.cpp, but no target of llama-quantize
  switch (type) {
    case Type::nvfp4:
      return nvfp4_id;
    case Type::q3_k:
      return traits_of(Ftype::q3_k_m).id;
    case Type::q4_k:
      return traits_of(Ftype::q4_k_m).id;
    case Type::q5_k:
      return traits_of(Ftype::q5_k_m).id;
    case Type::iq2_s:
      return traits_of(Ftype::iq2_s).id;
    default:
      break;
  }
  // Of several ftypes with one type the plainest is meant, which stands first.
  const auto found = std::ranges::find(table, type, &FtypeTraits::type);
  if (found == table.end()) return std::nullopt;
  return found->id;
}

}  // namespace plimsoll::gguf
