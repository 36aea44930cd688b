#include "io/shard_index.hpp"

#include <simdjson.h>

#include <map>
#include <utility>

#include "io/json_text.hpp"
#include "io/name_index.hpp"
#include "io/safetensors.hpp"

namespace plimsoll::io {
namespace {

namespace dom = simdjson::dom;

bool stays_inside(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t end = name.find('/');
    const std::string_view component = name.substr(0, end);
    if (component.empty() || component == "." || component == "..") return false;
    if (end == std::string_view::npos) return true;
    name.remove_prefix(end + 1);
  }
}

Expected<dom::object> find_weight_map(const dom::object& root, const std::string& file) {
  dom::object weight_map;
  bool found = false;
  for (const auto [key, element] : root) {
    if (key != "weight_map") continue;
    if (std::exchange(found, true)) {
      return fail(ErrorCode::malformed, "weight_map occurs twice", file);
    }
    if (element.get(weight_map)) {
      return fail(ErrorCode::malformed, "weight_map is not an object", file);
    }
  }
  if (!found) return fail(ErrorCode::malformed, "weight_map is missing", file);
  return weight_map;
}

/// Puts the shards in sorted order and renumbers the tensors' references to match.
void number_shards(const std::map<std::string_view, std::uint32_t>& met, ShardIndex& index) {
  std::vector<std::uint32_t> sorted(met.size());
  for (const auto& [name, order_met] : met) {
    sorted[order_met] = static_cast<std::uint32_t>(index.shards.size());
    index.shards.emplace_back(name);
  }
  for (ShardedName& tensor : index.tensors) tensor.shard = sorted[tensor.shard];
}

}  // namespace

Expected<ShardIndex> parse_shard_index(std::string_view text, const std::string& file) {
  dom::parser parser;
  auto root = parse_json_object(parser, text, SafetensorsParser::max_depth, "the index", file);
  if (!root) return fail(root.error());
  const auto weight_map = find_weight_map(*root, file);
  if (!weight_map) return fail(weight_map.error());

  ShardIndex index;
  std::map<std::string_view, std::uint32_t> met;  // shards, numbered as they are met
  for (const auto [name, element] : *weight_map) {
    std::string_view shard;
    if (element.get(shard)) {
      return fail(ErrorCode::malformed, "weight_map holds a value that is not a string", file,
                  std::string(name));
    }
    const auto [place, is_new] = met.emplace(shard, static_cast<std::uint32_t>(met.size()));
    if (is_new && !stays_inside(shard)) {
      return fail(ErrorCode::malformed,
                  "the shard name '" + std::string(shard.substr(0, 200)) +
                      "' is no plain path inside the checkpoint",
                  file, std::string(name));
    }
    index.tensors.push_back({std::string(name), place->second});
  }
  if (index.tensors.empty()) return fail(ErrorCode::malformed, "weight_map is empty", file);

  std::vector<std::string_view> names;
  names.reserve(index.tensors.size());
  for (const ShardedName& tensor : index.tensors) names.push_back(tensor.name);
  if (const auto twice = NameIndex(std::move(names)).duplicate()) {
    return fail(ErrorCode::malformed, "the name occurs twice in weight_map", file,
                index.tensors[*twice].name);
  }
  number_shards(met, index);
  return index;
}

}  // namespace plimsoll::io
