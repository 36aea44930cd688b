#include "io/gguf_layout.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "io/gguf.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/name_index.hpp"

namespace plimsoll::io {
namespace {

namespace ggml = codecs::ggml;

constexpr std::uint32_t written_version = 3;
constexpr std::uint64_t largest_size = std::numeric_limits<std::int64_t>::max();

Expected<void> check(const GgufStoredTensor& tensor, const std::string& file) {
  const auto refuse = [&](std::string reason) {
    return fail(ErrorCode::unsupported, std::move(reason), file, tensor.name);
  };
  if (tensor.name.empty()) return refuse("GGUF has no tensors without a name");
  if (tensor.name.size() > max_gguf_name_bytes) {
    return refuse("the name has " + std::to_string(tensor.name.size()) + " bytes; GGUF allows " +
                  std::to_string(max_gguf_name_bytes));
  }
  if (tensor.name.find('\0') != std::string::npos) return refuse("the name has a NUL byte");
  if (tensor.shape.size() > max_gguf_rank) {
    return refuse("it has " + std::to_string(tensor.shape.size()) + " dimensions; GGUF allows " +
                  std::to_string(max_gguf_rank));
  }
  const ggml::Traits& traits = ggml::traits_of(tensor.type);
  const std::uint64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % traits.block_elements != 0) {
    return refuse("its rows of " + std::to_string(row) + " elements are no whole blocks of " +
                  std::string(traits.name));
  }
  if (!gguf_tensor_bytes(tensor.shape, tensor.type)) return refuse("its size does not fit 63 bits");
  return {};
}

Expected<void> check_names(std::span<const GgufStoredTensor> tensors, const std::string& file) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const GgufStoredTensor& tensor : tensors) names.push_back(tensor.name);
  const NameIndex index(std::move(names));
  if (const auto twice = index.duplicate()) {
    return fail(ErrorCode::internal, "the name is to be stored twice", file, tensors[*twice].name);
  }
  return {};
}

void append_pair(std::string& out, const GgufMetadata::Pair& pair) {
  const GgufValue& value = pair.value;
  append_gguf_string(out, pair.key);
  if (value.is_array()) append_gguf_number(out, static_cast<std::uint32_t>(GgufType::array));
  append_gguf_number(out, static_cast<std::uint32_t>(value.type()));
  if (value.is_array()) append_gguf_number(out, value.size());
  out += value.bytes();
}

/// One tensor's description; its data begin `begin` bytes into the data.
void append_tensor(std::string& out, const GgufStoredTensor& tensor, std::uint64_t begin) {
  append_gguf_string(out, tensor.name);
  const auto stored = std::ranges::find_if(tensor.shape, [](std::uint64_t n) { return n != 1; });
  const auto rank = static_cast<std::uint32_t>(tensor.shape.end() - stored);
  append_gguf_number(out, std::max(rank, 1u));
  if (rank == 0) append_gguf_number(out, std::uint64_t{1});
  for (std::uint32_t i = 0; i < rank; ++i) {
    append_gguf_number(out, std::uint64_t{tensor.shape[tensor.shape.size() - 1 - i]});
  }
  append_gguf_number(out, static_cast<std::uint32_t>(tensor.type));
  append_gguf_number(out, begin);
}

/// The metadata of one part.
GgufMetadata metadata_of(const GgufMetadata& whole, GgufSplit::Keys keys, std::size_t part,
                         std::size_t parts, std::size_t tensors) {
  GgufMetadata metadata;
  if (part == 0) {
    metadata = whole;
    for (const auto key : {split_no_key, split_count_key, split_tensors_key}) metadata.remove(key);
  }
  if (keys == GgufSplit::Keys::none) return metadata;
  const auto count = GgufValue::of(static_cast<std::uint16_t>(parts));
  metadata.append(std::string(split_no_key), GgufValue::of(static_cast<std::uint16_t>(part)));
  if (keys == GgufSplit::Keys::of_quantize) metadata.append(std::string(split_count_key), count);
  metadata.append(std::string(split_tensors_key),
                  GgufValue::of(static_cast<std::int32_t>(tensors)));
  if (keys == GgufSplit::Keys::of_split) metadata.append(std::string(split_count_key), count);
  return metadata;
}

tl::unexpected<Error> too_large(const std::string& file) {
  return fail(ErrorCode::unsupported, "the file's size does not fit 63 bits", file);
}

/// Lays one part out behind the others.
Expected<void> add_part(const GgufMetadata& metadata, std::span<const GgufStoredTensor> tensors,
                        GgufLayout& layout, const std::string& file) {
  const auto alignment = gguf_alignment(metadata, file);
  if (!alignment) return fail(alignment.error());
  const auto number = static_cast<std::uint32_t>(layout.parts.size());
  GgufPart& part = layout.parts.emplace_back();
  part.alignment = *alignment;
  part.first_tensor = static_cast<std::uint32_t>(layout.places.size());
  part.tensor_count = static_cast<std::uint32_t>(tensors.size());
  std::string& header = part.header;
  header = "GGUF";
  append_gguf_number(header, written_version);
  append_gguf_number(header, std::uint64_t{tensors.size()});
  append_gguf_number(header, std::uint64_t{metadata.pairs().size()});
  for (const GgufMetadata::Pair& pair : metadata.pairs()) append_pair(header, pair);
  std::uint64_t data_bytes = 0;
  for (const GgufStoredTensor& tensor : tensors) {
    append_tensor(header, tensor, data_bytes);
    const std::uint64_t bytes = *gguf_tensor_bytes(tensor.shape, tensor.type);
    const std::uint64_t all_bytes = gguf_padded(bytes, part.alignment);
    layout.places.push_back({number, data_bytes, bytes, all_bytes});
    // Two such numbers do not overflow, so that one check is enough.
    data_bytes += all_bytes;
    if (data_bytes > largest_size) return too_large(file);
  }
  header.resize(gguf_padded(header.size(), part.alignment), '\0');
  for (std::size_t t = part.first_tensor; t < layout.places.size(); ++t) {
    layout.places[t].offset += header.size();
  }
  part.bytes = data_bytes + header.size();
  if (part.bytes > largest_size) return too_large(file);
  return {};
}

Expected<void> check_split(std::span<const std::uint32_t> counts, std::size_t tensors,
                           const std::string& file) {
  if (counts.size() > max_gguf_parts ||
      tensors > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return fail(ErrorCode::unsupported,
                "a split GGUF model has at most " + std::to_string(max_gguf_parts) +
                    " parts and 2147483647 tensors",
                file);
  }
  if (std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) != tensors) {
    return fail(ErrorCode::internal, "the parts do not have all tensors", file);
  }
  return {};
}

}  // namespace

GgufSplit split_gguf_by_bytes(std::span<const GgufStoredTensor> tensors, std::uint64_t part_bytes,
                              bool empty_first) {
  GgufSplit split{GgufSplit::Keys::of_split, {0}};
  if (empty_first) split.counts.push_back(0);
  std::uint64_t filled = 0;
  for (const GgufStoredTensor& tensor : tensors) {
    const std::uint64_t bytes =
        gguf_padded(*gguf_tensor_bytes(tensor.shape, tensor.type), default_gguf_alignment);
    const std::uint64_t room = part_bytes > filled ? part_bytes - filled : 0;
    if (bytes > room && split.counts.back() != 0) {
      split.counts.push_back(0);
      filled = 0;
    }
    ++split.counts.back();
    filled += bytes;
  }
  return split;
}

GgufSplit split_gguf_by_count(std::size_t tensors, std::uint32_t part_tensors, bool empty_first) {
  GgufSplit split{GgufSplit::Keys::of_split, {}};
  if (empty_first) split.counts.push_back(0);
  do {
    const std::size_t count = std::min<std::size_t>(tensors, part_tensors);
    split.counts.push_back(static_cast<std::uint32_t>(count));
    tensors -= count;
  } while (tensors > 0);
  return split;
}

Expected<GgufLayout> lay_out_gguf(const GgufMetadata& metadata,
                                  std::span<const GgufStoredTensor> tensors, const GgufSplit& split,
                                  const std::string& file) {
  for (const GgufStoredTensor& tensor : tensors) {
    if (auto checked = check(tensor, file); !checked) return fail(checked.error());
  }
  if (auto checked = check_names(tensors, file); !checked) return fail(checked.error());
  std::vector<std::uint32_t> counts = split.counts;
  if (split.keys == GgufSplit::Keys::none) counts = {static_cast<std::uint32_t>(tensors.size())};
  if (auto checked = check_split(counts, tensors.size(), file); !checked) {
    return fail(checked.error());
  }
  GgufLayout layout;
  layout.places.reserve(tensors.size());
  for (std::size_t part = 0; part < counts.size(); ++part) {
    const auto own = metadata_of(metadata, split.keys, part, counts.size(), tensors.size());
    const auto its = tensors.subspan(layout.places.size(), counts[part]);
    if (auto added = add_part(own, its, layout, file); !added) return fail(added.error());
  }
  return layout;
}

}  // namespace plimsoll::io
