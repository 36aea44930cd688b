#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "plimsoll/dtype.hpp"

namespace plimsoll::codecs::test {

/// One tensor of a golden file; `bytes` points into the file that holds it.
struct GoldenTensor {
  Dtype dtype = Dtype::u8;
  std::span<const std::byte> bytes;

  [[nodiscard]] std::size_t count() const { return bytes.size() * 8 / bits_of(dtype); }

  /// A copy of the elements, aligned for their type.
  template <class Element>
  [[nodiscard]] std::vector<Element> as() const {
    std::vector<Element> elements(bytes.size() / sizeof(Element));
    for (std::size_t i = 0; i < elements.size() * sizeof(Element); ++i) {
      reinterpret_cast<std::byte*>(elements.data())[i] = bytes[i];
    }
    return elements;
  }
};

/// A trusted safetensors file, read whole. Throws when it is missing: the test fails with the name.
class GoldenFile {
 public:
  explicit GoldenFile(const std::string& name);
  GoldenFile(const GoldenFile&) = delete;
  GoldenFile& operator=(const GoldenFile&) = delete;

  [[nodiscard]] const GoldenTensor& at(const std::string& tensor) const;
  [[nodiscard]] const std::map<std::string, GoldenTensor>& tensors() const { return tensors_; }

 private:
  std::vector<std::byte> content_;
  std::map<std::string, GoldenTensor> tensors_;
};

}  // namespace plimsoll::codecs::test
