#include "io/bnb_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/json_edit.hpp"
#include "io/json_members.hpp"
#include "io/json_string.hpp"

namespace plimsoll::io {
namespace {

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
  return with_quantization_config(source, block_of(config), file);
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
  if (copied == 0) return with_json_member(source, *object, "dtype", std::string(dtype));
  return out.append(source.substr(copied));
}

}  // namespace plimsoll::io
