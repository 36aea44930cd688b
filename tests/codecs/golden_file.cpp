#include "golden_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace plimsoll::codecs::test {

GoldenFile::GoldenFile(const std::string& name) {
  const std::string path = std::string(PLIMSOLL_GOLDEN_DIR) + "/" + name;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  content_.resize(text.size());
  std::memcpy(content_.data(), text.data(), text.size());
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, content_.data(), sizeof header_bytes);
  const std::size_t data = sizeof header_bytes + header_bytes;
  const auto header = nlohmann::json::parse(text.substr(sizeof header_bytes, header_bytes));
  for (const auto& [tensor, entry] : header.items()) {
    if (tensor == "__metadata__") continue;
    const std::size_t begin = entry.at("data_offsets").at(0);
    const std::size_t end = entry.at("data_offsets").at(1);
    tensors_[tensor] = {dtype_of(entry.at("dtype").get<std::string>()).value(),
                        std::span(content_).subspan(data + begin, end - begin)};
  }
}

const GoldenTensor& GoldenFile::at(const std::string& tensor) const {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end()) throw std::runtime_error("no golden tensor " + tensor);
  return found->second;
}

}  // namespace plimsoll::codecs::test
