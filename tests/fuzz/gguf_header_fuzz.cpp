// Feeds whole GGUF files to the reader, checks what it accepts against its promises, and reads the
// file that the layout makes of it. Run with a corpus folder as the argument.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "io/gguf.hpp"
#include "io/gguf_checkpoint.hpp"
#include "io/gguf_layout.hpp"

namespace {

using namespace plimsoll::io;

const std::string name = "fuzz";

void require(bool holds) {
  if (!holds) std::abort();
}

/// Reads a header from the bytes of a file's begin; `file_bytes` are promised, not there.
plimsoll::Expected<GgufHeader> read(std::string_view bytes, std::uint64_t file_bytes) {
  const auto read_at = [=](std::uint64_t offset,
                           std::span<char> destination) -> plimsoll::Expected<void> {
    require(offset <= file_bytes && destination.size() <= file_bytes - offset);
    std::ranges::fill(destination, '\xff');
    if (offset < bytes.size()) {
      std::ranges::copy(bytes.substr(offset, destination.size()), destination.begin());
    }
    return {};
  };
  return read_gguf_header(file_bytes, read_at, name);
}

void check(const GgufHeader& header, std::uint64_t file_bytes) {
  std::uint64_t position = header.data_offset;
  for (const GgufTensor& tensor : header.tensors) {
    require(tensor.offset == position);
    require(tensor.offset <= file_bytes && tensor.bytes <= file_bytes - tensor.offset);
    position += gguf_padded(tensor.bytes, header.alignment);
  }
}

bool is_split_key(std::string_view key) {
  return key == split_no_key || key == split_count_key || key == split_tensors_key;
}

void check_again(const GgufHeader& header) {
  std::vector<GgufStoredTensor> tensors;
  for (const GgufTensor& tensor : header.tensors) {
    tensors.push_back({tensor.name, tensor.type, tensor.shape});
  }
  const auto layout = lay_out_gguf(header.metadata, tensors, {}, name);
  require(layout.has_value());
  const GgufPart& part = layout->parts.front();
  const auto again = read(part.header, part.bytes);
  require(again.has_value());
  require(again->alignment == header.alignment);
  for (const auto& [key, value] : header.metadata.pairs()) {
    const GgufValue* other = again->metadata.find(key);
    require(is_split_key(key) ? other == nullptr : other != nullptr && *other == value);
  }
  require(again->tensors.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    require(again->tensors[i].name == tensors[i].name);
    require(again->tensors[i].type == tensors[i].type);
    require(again->tensors[i].bytes == header.tensors[i].bytes);
    require(again->tensors[i].offset == layout->places[i].offset);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto header = read({reinterpret_cast<const char*>(bytes), size}, size);
  if (header) {
    check(*header, size);
    check_again(*header);
  } else {
    require(!header.error().reason().empty());
  }
  return 0;
}
