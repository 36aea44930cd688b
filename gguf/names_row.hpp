#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codecs/element_map.hpp"
#include "errors/expected.hpp"

namespace plimsoll::gguf {

/// In which order a file holds the numbers of a checkpoint's tensor.
enum class Reorder : std::uint8_t {
  none,
  rope_halves,      ///< rows (heads, half, 2) of the file are (heads, 2, half)
  heads_outermost,  ///< rows (3, heads, n) of the file are (heads, 3, n)
  transpose,        ///< the last two sizes have changed places
};

/// Which of a model's numbers of heads counts for a Reorder.
enum class HeadKind : std::uint8_t { query, key_value };

/// A size of 1 at `axis`, for tensors with fewer than `rank` sizes.
struct Unsqueeze {
  std::uint32_t axis = 0;
  std::uint32_t rank = 0;
  friend bool operator==(const Unsqueeze&, const Unsqueeze&) = default;
};

/// What becomes of the numbers of one tensor, besides its name.
struct Operations {
  Reorder reorder = Reorder::none;
  HeadKind heads = HeadKind::query;
  std::optional<Unsqueeze> unsqueeze;
  codecs::ElementMap map = codecs::ElementMap::none;
  friend bool operator==(const Operations&, const Operations&) = default;
};

/// One row of a name table: the tensor `from` of a GGUF file is the tensor `to` of a checkpoint.
/// Parts of names that are "N" stand for a layer's number, those that are "E" for an expert's (or
/// for a head's). A name without ".weight" or ".bias" stands for both.
struct NameRow {
  enum class Condition : std::uint8_t { none, if_present, unless_present };

  std::string from;
  std::string to;
  Condition condition = Condition::none;
  std::string other;  ///< the tensor that the condition asks for, of the same layer
  Operations operations;
  friend bool operator==(const NameRow&, const NameRow&) = default;
};

/// Reads a row's written form, "FROM -> TO [if OTHER | unless OTHER] [by OPERATION ...]";
/// config/gguf/decoders.toml lists the operations. invalid_config says what is wrong with it: an E
/// on the right that no number stands for is fine, an N is not.
[[nodiscard]] Expected<NameRow> parse_name_row(std::string_view text);

}  // namespace plimsoll::gguf
