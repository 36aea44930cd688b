#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "io/catalogue.hpp"

namespace plimsoll::plan {

/// Puts tensors one behind the other in a file, as a container would. Only headers' worth of data:
/// any size is free.
class CatalogueBuilder {
 public:
  /// The first byte of data in the next file; not aligned to anything if `begin` is not.
  void next_file(std::uint64_t begin) {
    catalogue_.files.push_back(
        {"model-" + std::to_string(catalogue_.files.size()) + ".safetensors", begin});
  }

  /// Returns the tensor's index.
  std::uint32_t add(std::string name, Dtype dtype, io::Shape shape) {
    io::SourceFile& file = catalogue_.files.back();
    std::uint64_t elements = 1;
    for (const std::uint64_t size : shape) elements *= size;
    const std::uint64_t bytes = elements / 8 * bits_of(dtype) + elements % 8 * bits_of(dtype) / 8;
    catalogue_.tensors.push_back({std::move(name), dtype, std::move(shape),
                                  static_cast<std::uint32_t>(catalogue_.files.size() - 1),
                                  file.bytes, bytes});
    file.bytes += bytes;
    return static_cast<std::uint32_t>(catalogue_.tensors.size() - 1);
  }

  [[nodiscard]] io::Catalogue take() { return std::move(catalogue_); }

 private:
  io::Catalogue catalogue_;
};

}  // namespace plimsoll::plan
