#include "io/gguf_value.hpp"

#include <limits>
#include <utility>

namespace plimsoll::io {
namespace {

struct TypeFacts {
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array<TypeFacts, gguf_type_count> facts = {{
    {"u8", 1},
    {"i8", 1},
    {"u16", 2},
    {"i16", 2},
    {"u32", 4},
    {"i32", 4},
    {"f32", 4},
    {"bool", 1},
    {"str", 0},
    {"arr", 0},
    {"u64", 8},
    {"i64", 8},
    {"f64", 8},
}};

}  // namespace

std::string_view name_of(GgufType type) noexcept {
  return facts[static_cast<std::size_t>(type)].name;
}

std::size_t bytes_of(GgufType type) noexcept {
  return facts[static_cast<std::size_t>(type)].bytes;
}

void append_gguf_string(std::string& out, std::string_view text) {
  append_gguf_number(out, std::uint64_t{text.size()});
  out.append(text);
}

GgufValue GgufValue::of(std::string_view text) {
  GgufValue made(GgufType::string, false);
  append_gguf_string(made.bytes_, text);
  made.starts_.push_back(0);
  made.size_ = 1;
  return made;
}

GgufValue GgufValue::array_of(std::span<const std::string> texts) {
  GgufValue made(GgufType::string, true);
  made.starts_.reserve(texts.size());
  for (const std::string& text : texts) {
    made.starts_.push_back(made.bytes_.size());
    append_gguf_string(made.bytes_, text);
  }
  made.size_ = texts.size();
  return made;
}

GgufValue GgufValue::packed(GgufType type, bool is_array, std::string bytes) {
  GgufValue made(type, is_array);
  made.size_ = bytes.size() / bytes_of(type);
  made.bytes_ = std::move(bytes);
  return made;
}

GgufValue GgufValue::packed_strings(bool is_array, std::string bytes,
                                    std::vector<std::uint64_t> starts) {
  GgufValue made(GgufType::string, is_array);
  made.size_ = starts.size();
  made.bytes_ = std::move(bytes);
  made.starts_ = std::move(starts);
  return made;
}

std::optional<std::uint64_t> GgufValue::unsigned_at(std::uint64_t index) const noexcept {
  if (type_ == GgufType::u64) return exactly_at<std::uint64_t>(index);
  const std::optional<std::int64_t> value = signed_at(index);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<std::int64_t> GgufValue::signed_at(std::uint64_t index) const noexcept {
  if (index >= size_) return std::nullopt;
  switch (type_) {
    case GgufType::u8:
      return number<std::uint8_t>(index);
    case GgufType::i8:
      return number<std::int8_t>(index);
    case GgufType::u16:
      return number<std::uint16_t>(index);
    case GgufType::i16:
      return number<std::int16_t>(index);
    case GgufType::u32:
      return number<std::uint32_t>(index);
    case GgufType::i32:
      return number<std::int32_t>(index);
    case GgufType::i64:
      return number<std::int64_t>(index);
    case GgufType::u64: {
      const auto value = number<std::uint64_t>(index);
      if (!std::in_range<std::int64_t>(value)) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> GgufValue::float_at(std::uint64_t index) const noexcept {
  if (index >= size_) return std::nullopt;
  if (type_ == GgufType::f32) return number<float>(index);
  if (type_ == GgufType::f64) return number<double>(index);
  return std::nullopt;
}

std::optional<bool> GgufValue::bool_at(std::uint64_t index) const noexcept {
  return exactly_at<bool>(index);
}

std::optional<std::string_view> GgufValue::string_at(std::uint64_t index) const noexcept {
  if (type_ != GgufType::string || index >= size_) return std::nullopt;
  constexpr std::uint64_t length_bytes = sizeof(std::uint64_t);
  const std::uint64_t begin = starts_[index] + length_bytes;
  const std::uint64_t end = index + 1 < size_ ? starts_[index + 1] : bytes_.size();
  return std::string_view(bytes_).substr(begin, end - begin);
}

std::string GgufValue::type_text() const {
  const std::string name(name_of(type_));
  return is_array_ ? "arr of " + name : name;
}

}  // namespace plimsoll::io
