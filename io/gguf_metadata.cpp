#include "io/gguf_metadata.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

namespace plimsoll::io {
namespace {

constexpr std::string_view alignment_key = "general.alignment";

/// The single value that `get` makes of the key's; `wanted` says what that would be.
template <class Get>
auto value_of(const GgufMetadata& metadata, std::string_view key, std::string_view wanted,
              const std::string& file, Get get)
    -> Expected<typename decltype(get(std::declval<const GgufValue&>()))::value_type> {
  const GgufValue* value = metadata.find(key);
  if (value == nullptr) {
    return fail(ErrorCode::malformed, quoted_gguf_key(key) + " is missing", file);
  }
  const auto got = value->is_array() ? std::nullopt : get(*value);
  if (!got) {
    return fail(ErrorCode::malformed,
                quoted_gguf_key(key) + " has a value of type " + value->type_text() +
                    " that is not " + std::string(wanted),
                file);
  }
  return *got;
}

}  // namespace

std::string quoted_gguf_key(std::string_view key) {
  constexpr std::size_t longest = 200;
  std::string text = "the key '";
  text += key.substr(0, longest);
  return text += key.size() > longest ? "...'" : "'";
}

const GgufValue* GgufMetadata::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(pairs_, key, &Pair::key);
  return found == pairs_.end() ? nullptr : &found->value;
}

Expected<std::uint64_t> GgufMetadata::unsigned_of(std::string_view key,
                                                  const std::string& file) const {
  return value_of(*this, key, "an unsigned number", file,
                  [](const GgufValue& value) { return value.unsigned_at(0); });
}

Expected<double> GgufMetadata::float_of(std::string_view key, const std::string& file) const {
  return value_of(*this, key, "a floating-point number", file,
                  [](const GgufValue& value) { return value.float_at(0); });
}

Expected<bool> GgufMetadata::bool_of(std::string_view key, const std::string& file) const {
  return value_of(*this, key, "true or false", file,
                  [](const GgufValue& value) { return value.bool_at(0); });
}

Expected<std::string_view> GgufMetadata::string_of(std::string_view key,
                                                   const std::string& file) const {
  return value_of(*this, key, "a string", file,
                  [](const GgufValue& value) { return value.string_at(0); });
}

std::vector<GgufMetadata::Pair>::iterator GgufMetadata::place_of(std::string_view key) noexcept {
  return std::ranges::find(pairs_, key, &Pair::key);
}

void GgufMetadata::set(std::string key, GgufValue value) {
  remove(key);
  append(std::move(key), std::move(value));
}

void GgufMetadata::replace(std::string key, GgufValue value) {
  const auto place = place_of(key);
  if (place == pairs_.end()) return append(std::move(key), std::move(value));
  place->value = std::move(value);
}

bool GgufMetadata::remove(std::string_view key) {
  const auto place = place_of(key);
  if (place == pairs_.end()) return false;
  pairs_.erase(place);
  return true;
}

void GgufMetadata::append(std::string key, GgufValue value) {
  pairs_.push_back({std::move(key), std::move(value)});
}

Expected<std::uint32_t> gguf_alignment(const GgufMetadata& metadata, const std::string& file) {
  const GgufValue* value = metadata.find(alignment_key);
  if (value == nullptr) return default_gguf_alignment;
  const auto alignment = value->is_array() ? std::nullopt : value->exactly_at<std::uint32_t>(0);
  if (!alignment) {
    return fail(ErrorCode::malformed, "general.alignment is no u32 but " + value->type_text(),
                file);
  }
  if (!std::has_single_bit(*alignment)) {
    return fail(ErrorCode::malformed,
                "general.alignment is " + std::to_string(*alignment) + ", no power of two", file);
  }
  if (*alignment > max_gguf_alignment) {
    return fail(ErrorCode::unsupported,
                "general.alignment is " + std::to_string(*alignment) + ", above the limit of " +
                    std::to_string(max_gguf_alignment),
                file);
  }
  return *alignment;
}

}  // namespace plimsoll::io
