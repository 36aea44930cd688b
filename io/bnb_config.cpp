#include "io/bnb_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/json_members.hpp"
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

std::string with_member(std::string_view text, const JsonObjectText& object, std::string_view key,
                        const nlohmann::ordered_json& value) {
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

nlohmann::ordered_json block_of(const BnbConfig& config) {
  nlohmann::ordered_json skipped = nullptr;
  if (!config.skipped_modules.empty()) {
    std::vector<std::string> names = config.skipped_modules;
    std::sort(names.begin(), names.end());
    skipped = std::move(names);
  }
  return {
      {"_load_in_4bit", true},
      {"_load_in_8bit", false},
      {"bnb_4bit_compute_dtype", config.compute_dtype},
      {"bnb_4bit_quant_storage", "uint8"},
      {"bnb_4bit_quant_type", config.quant_type},
      {"bnb_4bit_use_double_quant", config.double_quant},
      {"llm_int8_enable_fp32_cpu_offload", false},
      {"llm_int8_has_fp16_weight", false},
      {"llm_int8_skip_modules", std::move(skipped)},
      {"llm_int8_threshold", 6.0},
      {"load_in_4bit", true},
      {"load_in_8bit", false},
      {"quant_method", "bitsandbytes"},
  };
}

}  // namespace

Expected<std::string> with_bnb_config(std::string_view source, const BnbConfig& config,
                                      const std::string& file) {
  const auto object = find_json_members(source, file);
  if (!object) return fail(object.error());
  for (const JsonMember& member : object->members) {
    if (member.key == "quantization_config") {
      const auto value = source.substr(member.value_begin, member.value_end - member.value_begin);
      if (value != "null") {
        return fail(ErrorCode::unsupported, "the checkpoint is quantized already", file);
      }
      return std::string(source.substr(0, member.value_begin)) +
             dump_member(block_of(config), line_start(source, *object)) +
             std::string(source.substr(member.value_end));
    }
  }
  return with_member(source, *object, "quantization_config", block_of(config));
}

Expected<std::string> with_dtype(std::string_view source, std::string_view dtype,
                                 const std::string& file) {
  const auto object = find_json_members(source, file);
  if (!object) return fail(object.error());
  std::string out;
  std::size_t copied = 0;
  for (const JsonMember& member : object->members) {
    if (member.key != "dtype" && member.key != "torch_dtype") continue;
    out.append(source.substr(copied, member.value_begin - copied));
    append_json_string(out, dtype, JsonText::ascii);
    copied = member.value_end;
  }
  if (copied == 0) return with_member(source, *object, "dtype", std::string(dtype));
  return out.append(source.substr(copied));
}

}  // namespace plimsoll::io
