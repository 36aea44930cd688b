#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "io/gguf_value.hpp"

namespace plimsoll::io {

/// The alignment of tensors' data in a file whose metadata does not set one.
inline constexpr std::uint32_t default_gguf_alignment = 32;

/// The largest alignment that is taken for one: that of the huge pages a file may be mapped with.
/// A larger one would only blow up files.
inline constexpr std::uint32_t max_gguf_alignment = 2u << 20;

/// Where something of `bytes` bytes ends with its padding; for bytes below 2^63.
[[nodiscard]] constexpr std::uint64_t gguf_padded(std::uint64_t bytes, std::uint32_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// The key-value pairs of a GGUF file, in the file's order. Keys are unique. Not thread-safe but
/// for concurrent reading. Looking a key up walks the pairs: files have tens of them.
class GgufMetadata {
 public:
  struct Pair {
    std::string key;
    GgufValue value;
  };

  [[nodiscard]] const std::vector<Pair>& pairs() const noexcept { return pairs_; }

  /// The value of a key; null if there is none. Valid until the metadata changes.
  [[nodiscard]] const GgufValue* find(std::string_view key) const noexcept;

  /// The value of a key that must be there, as a single value of a fitting type; `file` names the
  /// file in errors (malformed: the key is missing, or its value is something else).
  [[nodiscard]] Expected<std::uint64_t> unsigned_of(std::string_view key,
                                                    const std::string& file) const;
  [[nodiscard]] Expected<double> float_of(std::string_view key, const std::string& file) const;
  [[nodiscard]] Expected<bool> bool_of(std::string_view key, const std::string& file) const;
  [[nodiscard]] Expected<std::string_view> string_of(std::string_view key,
                                                     const std::string& file) const;

  /// Sets a value as ggml does: the pair stands last, whether the key was there or not.
  void set(std::string key, GgufValue value);

  /// Sets a value in its place; last, if the key was not there.
  void replace(std::string key, GgufValue value);

  /// Whether there was something to remove.
  bool remove(std::string_view key);

  /// Adds a pair whose key is known not to be there yet; constant time.
  void append(std::string key, GgufValue value);

 private:
  [[nodiscard]] std::vector<Pair>::iterator place_of(std::string_view key) noexcept;

  std::vector<Pair> pairs_;
};

/// What the metadata says about the alignment of tensors' data, for readers and writers alike:
/// `general.alignment`, which must be a u32, a power of two and at most max_gguf_alignment, or else
/// the default. Errors: malformed; unsupported where it is too large.
[[nodiscard]] Expected<std::uint32_t> gguf_alignment(const GgufMetadata& metadata,
                                                     const std::string& file);

/// "the key 'general.name'": a key in a message, cut where it is very long.
[[nodiscard]] std::string quoted_gguf_key(std::string_view key);

}  // namespace plimsoll::io
