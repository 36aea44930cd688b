#include "gguf_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>

#include "catch.hpp"

GgufFile::GgufFile() {
  pairs = {packed_pair("general.architecture", 8, packed_text("llama")),
           packed_pair("llama.block_count", 4, packed(std::uint32_t{1}))};
  tensors = {
      {"a", {64, 3}, 0, 0, {}, {}}, {"b", {5}, 24, 768, {}, {}}, {"c", {256, 2}, 12, 800, {}, {}}};
  data_bytes = 800 + 288;
}

std::string GgufFile::header() const {
  std::string out = magic + packed(version, big_endian);
  out += packed(tensor_count.value_or(static_cast<std::int64_t>(tensors.size())), big_endian);
  out += packed(pair_count.value_or(static_cast<std::int64_t>(pairs.size())), big_endian);
  for (const std::string& pair : pairs) out += pair;
  for (const Tensor& tensor : tensors) {
    out += packed(tensor.name_bytes.value_or(tensor.name.size()), big_endian) + tensor.name;
    out +=
        packed(tensor.rank.value_or(static_cast<std::uint32_t>(tensor.sizes.size())), big_endian);
    for (const std::int64_t size : tensor.sizes) out += packed(size, big_endian);
    out += packed(tensor.type, big_endian) + packed(tensor.offset, big_endian);
  }
  return out;
}

std::string GgufFile::bytes() const {
  std::string out = header();
  out.resize((out.size() + alignment - 1) / alignment * alignment + data_bytes, '\0');
  return out;
}

std::string packed_text(std::string_view text, bool big_endian) {
  return packed(std::uint64_t{text.size()}, big_endian).append(text);
}

std::string packed_pair(std::string_view key, std::uint32_t type, std::string_view value) {
  return (packed_text(key) + packed(type)).append(value);
}

plimsoll::Expected<plimsoll::io::GgufHeader> read_gguf(std::string_view file) {
  const auto read = [file](std::uint64_t offset,
                           std::span<char> destination) -> plimsoll::Expected<void> {
    REQUIRE(offset <= file.size());
    REQUIRE(destination.size() <= file.size() - offset);
    std::memcpy(destination.data(), file.data() + offset, destination.size());
    return {};
  };
  return plimsoll::io::read_gguf_header(file.size(), read, "f");
}

std::string gguf_golden_path(const std::string& name) {
  return std::string(PLIMSOLL_GOLDEN_DIR) + "/gguf/" + name;
}

std::string gguf_golden(const std::string& name) {
  std::ifstream in(gguf_golden_path(name), std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}
