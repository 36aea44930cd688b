#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace plimsoll::io {

/// Types of the values in GGUF's metadata, numbered as in the files.
enum class GgufType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,  ///< in files only: a GgufValue tells its elements' type, and that it is an array
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

inline constexpr std::uint32_t gguf_type_count = 13;

/// "u8", "str", "arr" and the like, as ggml spells them. Static storage.
[[nodiscard]] std::string_view name_of(GgufType type) noexcept;

/// Bytes of one number or truth value in a file; 0 for strings and arrays, whose length varies.
[[nodiscard]] std::size_t bytes_of(GgufType type) noexcept;

/// The GgufType of a C++ type that metadata's numbers have; nothing for other types. A function: an
/// inline variable would be a symbol of the shared library.
template <class T>
consteval std::optional<GgufType> gguf_type_of() {
  if constexpr (std::same_as<T, std::uint8_t>) return GgufType::u8;
  if constexpr (std::same_as<T, std::int8_t>) return GgufType::i8;
  if constexpr (std::same_as<T, std::uint16_t>) return GgufType::u16;
  if constexpr (std::same_as<T, std::int16_t>) return GgufType::i16;
  if constexpr (std::same_as<T, std::uint32_t>) return GgufType::u32;
  if constexpr (std::same_as<T, std::int32_t>) return GgufType::i32;
  if constexpr (std::same_as<T, float>) return GgufType::f32;
  if constexpr (std::same_as<T, bool>) return GgufType::boolean;
  if constexpr (std::same_as<T, std::uint64_t>) return GgufType::u64;
  if constexpr (std::same_as<T, std::int64_t>) return GgufType::i64;
  if constexpr (std::same_as<T, double>) return GgufType::f64;
  return std::nullopt;
}

template <class T>
concept GgufNumber = (gguf_type_of<T>() != std::nullopt);

/// Appends a number as GGUF's little-endian files hold it.
template <GgufNumber T>
void append_gguf_number(std::string& out, T value) {
  auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
  if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
  out.append(bytes.data(), bytes.size());
}

/// Appends a string with its length before it.
void append_gguf_string(std::string& out, std::string_view text);

/// One value of a GGUF file's metadata: a number, a truth value, a string, or an array of one of
/// these. Immutable.
///
/// The elements stand packed, as a little-endian file holds them: an array costs its bytes in the
/// file, and 8 bytes more for each string. A single value behaves as an array of one element, but
/// for is_array(). Every access is constant time and checked.
class GgufValue {
 public:
  template <GgufNumber T>
  [[nodiscard]] static GgufValue of(T value) {
    GgufValue made(*gguf_type_of<T>(), false);
    append_gguf_number(made.bytes_, value);
    made.size_ = 1;
    return made;
  }
  [[nodiscard]] static GgufValue of(std::string_view text);

  template <GgufNumber T>
  [[nodiscard]] static GgufValue array_of(std::span<const T> values) {
    GgufValue made(*gguf_type_of<T>(), true);
    made.bytes_.reserve(values.size_bytes());
    for (const T value : values) append_gguf_number(made.bytes_, value);
    made.size_ = values.size();
    return made;
  }
  [[nodiscard]] static GgufValue array_of(std::span<const std::string> texts);

  /// Numbers or truth values that stand packed already: a multiple of bytes_of(type),
  /// little-endian, truth values 0 or 1.
  [[nodiscard]] static GgufValue packed(GgufType type, bool is_array, std::string bytes);

  /// Strings that stand packed already; `starts` are the places of their lengths within `bytes`.
  [[nodiscard]] static GgufValue packed_strings(bool is_array, std::string bytes,
                                                std::vector<std::uint64_t> starts);

  /// Of the value, or of each element of an array; never GgufType::array.
  [[nodiscard]] GgufType type() const noexcept { return type_; }
  [[nodiscard]] bool is_array() const noexcept { return is_array_; }
  /// Number of elements; 1 for what is no array.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The elements as a little-endian file holds them, without types and count.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

  /// An element, if there is one and it is of a type that the result holds whatever the number is:
  /// nothing for a float as an integer, or a negative number as an unsigned one.
  [[nodiscard]] std::optional<std::uint64_t> unsigned_at(std::uint64_t index) const noexcept;
  [[nodiscard]] std::optional<std::int64_t> signed_at(std::uint64_t index) const noexcept;
  /// Of f32 and f64 only.
  [[nodiscard]] std::optional<double> float_at(std::uint64_t index) const noexcept;
  [[nodiscard]] std::optional<bool> bool_at(std::uint64_t index) const noexcept;
  /// Lives as long as the value.
  [[nodiscard]] std::optional<std::string_view> string_at(std::uint64_t index) const noexcept;

  /// The element, where the value's type is exactly T's.
  template <GgufNumber T>
  [[nodiscard]] std::optional<T> exactly_at(std::uint64_t index) const noexcept {
    if (type_ != *gguf_type_of<T>() || index >= size_) return std::nullopt;
    return number<T>(index);
  }

  /// "u32", or "arr of str": for messages.
  [[nodiscard]] std::string type_text() const;

  /// Same type, same bytes.
  friend bool operator==(const GgufValue& left, const GgufValue& right) noexcept {
    return left.type_ == right.type_ && left.is_array_ == right.is_array_ &&
           left.bytes_ == right.bytes_;
  }

 private:
  GgufValue(GgufType type, bool is_array) : type_(type), is_array_(is_array) {}

  template <GgufNumber T>
  [[nodiscard]] T number(std::uint64_t index) const noexcept {
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), bytes_.data() + index * sizeof(T), sizeof(T));
    if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
    return std::bit_cast<T>(bytes);
  }

  GgufType type_;
  bool is_array_;
  std::uint64_t size_ = 0;
  std::string bytes_;
  std::vector<std::uint64_t> starts_;  ///< of strings: where in bytes_ their lengths stand
};

}  // namespace plimsoll::io
