#include "io/fp8_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/json_edit.hpp"
#include "io/json_members.hpp"

namespace plimsoll::io {
namespace {

nlohmann::ordered_json block_of(const Fp8Config& config) {
  nlohmann::ordered_json skipped = nullptr;
  if (!config.modules_to_not_convert.empty()) {
    std::vector<std::string> names = config.modules_to_not_convert;
    std::sort(names.begin(), names.end());
    skipped = std::move(names);
  }
  nlohmann::ordered_json block = {
      {"activation_scheme", "dynamic"},
      {"fmt", "e4m3"},
      {"modules_to_not_convert", std::move(skipped)},
      {"quant_method", "fp8"},
  };
  if (config.scale_fmt) block["scale_fmt"] = *config.scale_fmt;
  block["weight_block_size"] = nullptr;
  if (config.weight_block_size) block["weight_block_size"] = *config.weight_block_size;
  return block;
}

}  // namespace

Expected<std::string> with_fp8_config(std::string_view source, const Fp8Config& config,
                                      const std::string& file) {
  return with_quantization_config(source, block_of(config), file);
}

Expected<std::string> without_quantization(std::string_view source, const std::string& file) {
  const auto object = find_json_members(source, file);
  if (!object) return fail(object.error());
  for (std::size_t i = 0; i < object->members.size(); ++i) {
    if (object->members[i].key == "quantization_config") {
      return without_json_member(source, *object, i);
    }
  }
  return std::string(source);
}

}  // namespace plimsoll::io
