#include "io/shard_layout.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "io/json_string.hpp"

namespace plimsoll::io {
namespace {

constexpr std::size_t length_word_bytes = 8;
constexpr std::size_t header_alignment = 8;

/// Prepends the length word and pads with spaces, to `total` bytes in all if that is not 0.
std::string framed(std::string json, std::size_t total) {
  const std::size_t padded =
      total != 0 ? total - length_word_bytes
                 : (json.size() + header_alignment - 1) / header_alignment * header_alignment;
  json.resize(std::max(json.size(), padded), ' ');
  std::string head;
  head.reserve(length_word_bytes + json.size());
  for (std::size_t i = 0; i < length_word_bytes; ++i) {
    head += static_cast<char>(static_cast<std::uint64_t>(json.size()) >> (8 * i) & 0xff);
  }
  return head += json;
}

/// Appends one tensor's member; its data begins `begin` bytes into the data section.
void append_entry(std::string& json, const StoredTensor& tensor, std::uint64_t begin,
                  std::uint64_t bytes) {
  json += ',';
  append_json_string(json, tensor.name, JsonText::utf8);
  json += ":{\"dtype\":\"";
  json += name_of(tensor.dtype);
  json += "\",\"shape\":[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (i > 0) json += ',';
    json += std::to_string(tensor.size_is_bound ? bytes : tensor.shape[i]);
  }
  json += "],\"data_offsets\":[" + std::to_string(begin) + ',' + std::to_string(begin + bytes);
  json += "]}";
}

/// The header's JSON; `bytes_of(t)` is the length of stored tensor t.
template <class BytesOf>
std::string header_json(const std::vector<std::uint32_t>& order,
                        std::span<const StoredTensor> tensors, BytesOf bytes_of) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  std::uint64_t begin = 0;
  for (const std::uint32_t t : order) {
    append_entry(json, tensors[t], begin, bytes_of(t));
    begin += bytes_of(t);
  }
  return json += '}';
}

/// Splits the tensors' indices into shards, groups undivided.
std::vector<std::vector<std::uint32_t>> fill_shards(std::span<const StoredTensor> tensors,
                                                    std::uint64_t shard_bytes) {
  std::vector<std::vector<std::uint32_t>> shards(1);
  std::uint64_t filled = 0;
  for (std::size_t first = 0; first < tensors.size();) {
    std::size_t last = first;
    std::uint64_t group_bytes = 0;
    while (last < tensors.size() && tensors[last].group == tensors[first].group) {
      group_bytes += tensors[last++].bytes;
    }
    const std::uint64_t room = shard_bytes > filled ? shard_bytes - filled : 0;
    if (!shards.back().empty() && group_bytes > room) {
      shards.emplace_back();
      filled = 0;
    }
    for (; first < last; ++first) shards.back().push_back(static_cast<std::uint32_t>(first));
    filled += group_bytes;
  }
  return shards;
}

std::string shard_name(std::size_t number, std::size_t count) {
  if (count == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number, count);
  return name;
}

std::string index_json(const ShardLayout& layout, std::span<const StoredTensor> tensors,
                       std::span<const std::uint64_t> true_bytes) {
  if (layout.shards.size() == 1) return {};
  std::uint64_t total = 0;
  std::vector<std::uint32_t> by_name;
  for (std::uint32_t t = 0; t < tensors.size(); ++t) {
    total += true_bytes.empty() ? tensors[t].bytes : true_bytes[t];
    by_name.push_back(t);
  }
  std::sort(by_name.begin(), by_name.end(),
            [&](std::uint32_t a, std::uint32_t b) { return tensors[a].name < tensors[b].name; });
  std::string json = "{\n  \"metadata\": {\n    \"total_size\": " + std::to_string(total) +
                     "\n  },\n  \"weight_map\": {";
  std::string_view separator = "\n    ";
  for (const std::uint32_t t : by_name) {
    json += separator;
    append_json_string(json, tensors[t].name, JsonText::ascii);
    json += ": ";
    append_json_string(json, layout.shards[layout.places[t].shard].name, JsonText::ascii);
    separator = ",\n    ";
  }
  return json += "\n  }\n}\n";
}

}  // namespace

ShardLayout lay_out_shards(std::span<const StoredTensor> tensors, std::uint64_t shard_bytes) {
  ShardLayout layout;
  layout.places.resize(tensors.size());
  auto filled = fill_shards(tensors, shard_bytes);
  for (std::size_t s = 0; s < filled.size(); ++s) {
    ShardFile& shard = layout.shards.emplace_back();
    shard.name = shard_name(s + 1, filled.size());
    shard.tensors = std::move(filled[s]);
    std::sort(shard.tensors.begin(), shard.tensors.end(), [&](std::uint32_t a, std::uint32_t b) {
      const StoredTensor &x = tensors[a], &y = tensors[b];
      if (x.size_is_bound != y.size_is_bound) return y.size_is_bound;
      if (x.dtype != y.dtype) return x.dtype > y.dtype;
      return x.name < y.name;
    });
    shard.header = framed(
        header_json(shard.tensors, tensors, [&](std::uint32_t t) { return tensors[t].bytes; }), 0);
    shard.bytes = shard.header.size();
    for (const std::uint32_t t : shard.tensors) {
      layout.places[t] = {static_cast<std::uint32_t>(s), shard.bytes};
      shard.bytes += tensors[t].bytes;
    }
  }
  layout.index = index_json(layout, tensors, {});
  return layout;
}

std::string final_header(const ShardFile& shard, std::span<const StoredTensor> tensors,
                         std::span<const std::uint64_t> true_bytes) {
  return framed(header_json(shard.tensors, tensors, [&](std::uint32_t t) { return true_bytes[t]; }),
                shard.header.size());
}

std::string final_index(const ShardLayout& layout, std::span<const StoredTensor> tensors,
                        std::span<const std::uint64_t> true_bytes) {
  return index_json(layout, tensors, true_bytes);
}

}  // namespace plimsoll::io
