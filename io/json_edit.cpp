#include "io/json_edit.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/json_string.hpp"

namespace plimsoll::io {
namespace {

/// Indentation of the object's members, line break included; empty where all stands on one line.
std::string_view line_start(std::string_view text, const JsonObjectText& object) {
  if (object.members.empty()) return "\n  ";
  const std::size_t begin = object.open + 1;
  const std::string_view gap = text.substr(begin, object.members.front().key_begin - begin);
  std::size_t line = gap.rfind('\n');
  if (line == std::string_view::npos) return {};
  if (line > 0 && gap[line - 1] == '\r') --line;
  return gap.substr(line);
}

/// `value` as it stands behind its key in an object whose members begin with `start`.
std::string dump_member(const nlohmann::ordered_json& value, std::string_view start) {
  using nlohmann::json;
  if (start.empty()) return value.dump(-1, ' ', true, json::error_handler_t::replace);
  const std::size_t width = start.size() - start.rfind('\n') - 1;
  const char fill = start.back() == '\t' ? '\t' : ' ';
  const std::string lines =
      value.dump(static_cast<int>(width), fill, true, json::error_handler_t::replace);
  std::string out;
  for (const char c : lines) {
    if (c == '\n') {
      out += start;
    } else {
      out += c;
    }
  }
  return out;
}

/// Where a new key goes: before the first greater one if the keys are sorted, else behind the last.
std::size_t place_of(const std::vector<JsonMember>& members, std::string_view key) {
  const auto less = [](const JsonMember& a, const JsonMember& b) { return a.key < b.key; };
  if (!std::is_sorted(members.begin(), members.end(), less)) return members.size();
  const auto place = std::find_if(members.begin(), members.end(),
                                  [&](const JsonMember& member) { return member.key > key; });
  return static_cast<std::size_t>(place - members.begin());
}

}  // namespace

std::string with_json_member(std::string_view text, const JsonObjectText& object,
                             std::string_view key, const nlohmann::ordered_json& value) {
  const auto& members = object.members;
  const std::string_view start = line_start(text, object);
  std::string member;
  append_json_string(member, key, JsonText::ascii);
  member += ": ";
  member += dump_member(value, start);

  const std::size_t place = place_of(members, key);
  std::string out;
  if (members.empty()) {
    out.append(text.substr(0, object.open + 1)).append(start).append(member).append("\n");
    return out.append(text.substr(object.close));
  }
  if (place < members.size()) {
    const std::size_t at = members[place].key_begin;
    out.append(text.substr(0, at)).append(member).append(start.empty() ? ", " : ",");
    return out.append(start).append(text.substr(at));
  }
  const std::size_t at = members.back().value_end;
  out.append(text.substr(0, at)).append(start.empty() ? ", " : ",");
  return out.append(start).append(member).append(text.substr(at));
}

std::string with_json_value(std::string_view text, const JsonObjectText& object,
                            const JsonMember& member, const nlohmann::ordered_json& value) {
  std::string out(text.substr(0, member.value_begin));
  out += dump_member(value, line_start(text, object));
  return out.append(text.substr(member.value_end));
}

std::string without_json_member(std::string_view text, const JsonObjectText& object,
                                std::size_t member) {
  const auto& members = object.members;
  // Up to the next member, or from the end of the one before; an only member leaves an empty pair
  // of braces.
  std::size_t begin = members[member].key_begin;
  std::size_t end = members[member].value_end;
  if (member + 1 < members.size()) {
    end = members[member + 1].key_begin;
  } else if (member > 0) {
    begin = members[member - 1].value_end;
  } else {
    begin = object.open + 1;
    end = object.close;
  }
  return std::string(text.substr(0, begin)).append(text.substr(end));
}

Expected<std::string> with_quantization_config(std::string_view source,
                                               const nlohmann::ordered_json& value,
                                               const std::string& file) {
  constexpr std::string_view key = "quantization_config";
  const auto object = find_json_members(source, file);
  if (!object) return fail(object.error());
  for (const JsonMember& member : object->members) {
    if (member.key != key) continue;
    if (source.substr(member.value_begin, member.value_end - member.value_begin) != "null") {
      return fail(ErrorCode::unsupported, "the checkpoint is quantized already", file);
    }
    return with_json_value(source, *object, member, value);
  }
  return with_json_member(source, *object, key, value);
}

}  // namespace plimsoll::io
