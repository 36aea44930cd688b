#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "codecs/ggml/type.hpp"

namespace plimsoll::gguf {

/// What a model's tensors can become as a whole: the file types that llama-quantize makes, most of
/// them mixtures of tensor types that go by the type of most tensors. Source: llama.cpp b8871.
enum class Ftype : std::uint8_t {
  q1_0,
  q4_0,
  q4_1,
  mxfp4_moe,
  q5_0,
  q5_1,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq2_m,
  iq1_s,
  iq1_m,
  tq1_0,
  tq2_0,
  q2_k,
  q2_k_s,
  iq3_xxs,
  iq3_s,
  iq3_m,
  iq3_xs,
  q3_k_s,
  q3_k_m,
  q3_k_l,
  iq4_nl,
  iq4_xs,
  q4_k_s,
  q4_k_m,
  q5_k_s,
  q5_k_m,
  q6_k,
  q8_0,
  f16,
  bf16,
  f32,
  copy,  ///< every tensor as it is
};

struct FtypeTraits {
  Ftype ftype = Ftype::copy;
  std::string_view name;  ///< as llama-quantize spells it: "Q4_K_M"
  /// What general.file_type says of such a file. For copies 0, which means nothing: they keep it.
  std::uint32_t id = 0;
  codecs::ggml::Type type =
      codecs::ggml::Type::f32;  ///< of most tensors; for copies it means nothing
  /// Models with attention layers cannot be made without an importance matrix. Whether others can
  /// is told tensor by tensor.
  bool needs_importance = false;
};

[[nodiscard]] const FtypeTraits& traits_of(Ftype ftype) noexcept;

/// All ftypes, each once, in the order in which llama-quantize lists them.
[[nodiscard]] std::span<const FtypeTraits> all_ftypes() noexcept;

/// The ftype that llama-quantize understands by a word, whatever the case of its letters: a name,
/// one of the aliases Q3_K, Q4_K and Q5_K (the M mixture of each), or an id in digits (0 is F32).
[[nodiscard]] std::optional<Ftype> ftype_of(std::string_view word) noexcept;

/// What tensors are to become: an ftype, or one type for all of them where no ftype has its name.
using TypeTarget = std::variant<Ftype, codecs::ggml::Type>;

/// The target of a word: the ftype, if there is one, else the tensor type of this name, if ggml can
/// quantize to it ("nvfp4", "q2_0", "mxfp4").
[[nodiscard]] std::optional<TypeTarget> type_target_of(std::string_view word) noexcept;

/// The type that most tensors become; nothing where they are copied.
[[nodiscard]] std::optional<codecs::ggml::Type> default_type_of(const TypeTarget& target) noexcept;

/// The id by which llama.cpp calls a file most of whose tensors have this type; nothing for types
/// that it has no file type for.
[[nodiscard]] std::optional<std::uint32_t> file_type_id_of(codecs::ggml::Type type) noexcept;

}  // namespace plimsoll::gguf
