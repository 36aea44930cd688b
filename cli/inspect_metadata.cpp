#include "cli/inspect_metadata.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/text_table.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

/// What a key or a value may take of a line, in bytes, and how many elements of an array stand
/// there at most.
constexpr std::size_t longest_text = 200;
constexpr std::uint64_t shown_elements = 8;

/// The number that people wrote as a float: 1e-05, where the float itself is 9.99999975e-06.
double as_written(float number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  double read = 0;
  std::from_chars(text.data(), end, read);
  return read;
}

Json element_json(const io::GgufValue& value, std::uint64_t index) {
  if (const auto number = value.unsigned_at(index)) return *number;
  if (const auto number = value.signed_at(index)) return *number;
  if (const auto number = value.exactly_at<float>(index)) {
    return std::isfinite(*number) ? Json(as_written(*number)) : Json();
  }
  if (const auto number = value.float_at(index)) return *number;
  if (const auto truth = value.bool_at(index)) return *truth;
  if (const auto text = value.string_at(index)) return *text;
  return {};
}

Json value_json(const io::GgufValue& value) {
  if (!value.is_array()) return element_json(value, 0);
  Json elements = Json::array();
  elements.get_ref<Json::array_t&>().reserve(value.size());
  for (std::uint64_t i = 0; i < value.size(); ++i) elements.push_back(element_json(value, i));
  return elements;
}

/// Adds a member whose name is known to be new. The library looks for it among all others.
void add_member(Json& object, const std::string& key, Json member) {
  Json::object_t::Container& members = object.get_ref<Json::object_t&>();
  members.emplace_back(key, std::move(member));
}

std::string float_text(double number, bool is_single) {
  std::array<char, 32> text{};
  const auto end =
      is_single
          ? std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(number)).ptr
          : std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

/// Appends one element; in an array, strings stand in quotation marks.
void append_element(std::string& out, const io::GgufValue& value, std::uint64_t index) {
  if (const auto text = value.string_at(index)) {
    if (value.is_array()) out += '"';
    out += printable(*text, longest_text);
    if (value.is_array()) out += '"';
  } else if (const auto number = value.float_at(index)) {
    out += float_text(*number, value.type() == io::GgufType::f32);
  } else if (const auto truth = value.bool_at(index)) {
    out += *truth ? "true" : "false";
  } else if (const auto whole = value.unsigned_at(index)) {
    out += std::to_string(*whole);
  } else if (const auto signed_whole = value.signed_at(index)) {
    out += std::to_string(*signed_whole);
  }
}

std::string value_text(const io::GgufValue& value) {
  std::string out;
  if (!value.is_array()) {
    append_element(out, value, 0);
    return out;
  }
  out.append("[").append(std::to_string(value.size())).append("]");
  const std::uint64_t shown = std::min(value.size(), shown_elements);
  for (std::uint64_t i = 0; i < shown && out.size() < longest_text; ++i) {
    out += i == 0 ? " " : ", ";
    append_element(out, value, i);
  }
  if (shown < value.size()) out += ", ...";
  return printable(out, longest_text);
}

}  // namespace

std::string metadata_text(const io::GgufMetadata& metadata) {
  using Align = TextTable::Align;
  TextTable table({Align::left, Align::left, Align::left});
  table.add({"metadata", "type", "value"});
  for (const auto& [key, value] : metadata.pairs()) {
    table.add({printable(key, longest_text), value.type_text(), value_text(value)});
  }
  return table.text();
}

Json metadata_json(const io::GgufMetadata& metadata) {
  Json object = Json::object();
  for (const auto& [key, value] : metadata.pairs()) add_member(object, key, value_json(value));
  return object;
}

Json metadata_types_json(const io::GgufMetadata& metadata) {
  Json object = Json::object();
  for (const auto& [key, value] : metadata.pairs()) add_member(object, key, value.type_text());
  return object;
}

}  // namespace plimsoll::cli
