// Feeds whole safetensors files (header word, text, data) to the parser and checks what it accepts
// against the promises of the catalogue. Run with a corpus folder as the argument.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "io/safetensors.hpp"
#include "io/shard_index.hpp"

namespace {

using namespace plimsoll::io;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const SafetensorsHeader& header, std::uint64_t data_begin, std::uint64_t file_bytes) {
  std::uint64_t position = data_begin;
  for (const TensorEntry& tensor : header.tensors) {
    require(tensor.offset == position);
    require(tensor.bytes <= file_bytes - position);
    position += tensor.bytes;
    std::uint64_t bits = bits_of(tensor.dtype);
    for (const std::uint64_t size : tensor.shape) bits *= size;
    require(bits == 8 * tensor.bytes);
  }
  require(position == file_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static SafetensorsParser parser;
  static const std::string name = "fuzz";
  const auto* text = reinterpret_cast<const char*>(bytes);
  const auto header_bytes = header_bytes_of({text, size}, size, name);
  if (!header_bytes) {
    require(!header_bytes.error().reason().empty());
    return 0;
  }
  // Nothing but the text and its padding: a read beyond them is then found.
  std::vector<char> header(text + header_word_bytes, text + header_word_bytes + *header_bytes);
  header.resize(header.size() + json_padding, '\xff');
  const std::string_view json(header.data(), *header_bytes);
  const auto parsed = parser.parse(json, size, name);
  if (parsed) {
    check(*parsed, header_word_bytes + *header_bytes, size);
  } else {
    require(!parsed.error().reason().empty());
  }
  const auto index = parse_shard_index(json, name);
  if (index) {
    for (const ShardedName& tensor : index->tensors) require(tensor.shard < index->shards.size());
  }
  return 0;
}
