#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::io {

/// Length of the word that opens a safetensors file: the bytes of the JSON text behind it, little
/// endian. The tensors' data follows the text and fills the rest of the file.
inline constexpr std::uint64_t header_word_bytes = 8;

/// The longest JSON text the format allows.
inline constexpr std::uint64_t max_header_bytes = 100'000'000;

/// Bytes that must be readable behind a text given to a parser; their values do not matter.
inline constexpr std::size_t json_padding = 64;

/// Reads the header word and checks it against the limit and the file's length. `file` names the
/// file in errors. To be called before anything of that length is allocated.
[[nodiscard]] Expected<std::uint64_t> header_bytes_of(std::span<const char> first_bytes,
                                                      std::uint64_t file_bytes,
                                                      const std::string& file);

/// What one file's header says. The entries are sorted by offset (an empty tensor stands before the
/// one that begins at the same place), count offsets from the start of the file and have `file` 0.
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;
  std::map<std::string, std::string> metadata;  ///< `__metadata__`; empty if there is none
};

/// Parses the headers of safetensors files; pure. Source: the format's description and the
/// behaviour of its reference library, release 0.8.
///
/// A text is refused (malformed) unless
/// - it is valid UTF-8 and one JSON object, which begins at the first byte; JSON white space may
///   follow it, nothing else; values nest at most `max_depth` deep;
/// - `__metadata__`, where present, is null or maps strings to strings;
/// - every other member describes a tensor: an object with a known `dtype`, a `shape` of unsigned
///   64-bit integers (any rank; zero sizes allowed) and `data_offsets`, two such integers. Members
///   of other names are ignored, as the reference does;
/// - no key occurs twice in any of these objects (the reference lets the last tensor of a name win;
///   two readers of such a file could see two models);
/// - the product of shape and bits per element, taken from left to right, does not overflow 64 bits
///   and makes whole bytes, exactly as many as the offsets span;
/// - the tensors' ranges tile the data: no hole, no overlap, none left over.
///
/// Costs O(n log n) for n tensors whatever their names, and memory in proportion to the text (about
/// 20 bytes a byte at worst). Never recurses. The buffers of one parser serve any number of files;
/// not thread-safe.
class SafetensorsParser {
 public:
  static constexpr std::size_t max_depth = 128;

  SafetensorsParser();
  ~SafetensorsParser();
  SafetensorsParser(SafetensorsParser&&) noexcept;
  SafetensorsParser& operator=(SafetensorsParser&&) noexcept;

  /// `text` is what follows the header word, `json_padding` readable bytes behind it. Errors carry
  /// `file` and the tensor at fault. out_of_memory where the parser cannot have its buffers.
  [[nodiscard]] Expected<SafetensorsHeader> parse(std::string_view text, std::uint64_t file_bytes,
                                                  const std::string& file);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plimsoll::io
