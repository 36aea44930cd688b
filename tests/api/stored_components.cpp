#include "stored_components.hpp"

#include <fstream>
#include <span>

#include "api/throwing.hpp"
#include "component_expectation.hpp"
#include "io/checkpoint.hpp"

namespace {

std::string description(plimsoll::Dtype dtype, std::span<const std::uint64_t> shape) {
  std::string text(name_of(dtype));
  for (const std::uint64_t size : shape) text += ' ' + std::to_string(size);
  return text + ": ";
}

}  // namespace

StoredComponents components_of(const plimsoll::Tensor& tensor) {
  StoredComponents all;
  for (const plimsoll::Component& component : tensor.components) {
    all[std::string(component.name)] =
        description(component.dtype, component.shape) + std::string(text_of(component.bytes));
  }
  return all;
}

StoredComponents components_of(const plimsoll::Model& model) {
  StoredComponents all;
  for (const plimsoll::Tensor& tensor : model.tensors()) all.merge(components_of(tensor));
  return all;
}

StoredComponents stored_components(const std::string& checkpoint) {
  const auto catalogue = plimsoll::or_throw(plimsoll::io::open_checkpoint(checkpoint));
  StoredComponents all;
  for (const plimsoll::io::TensorEntry& entry : catalogue.tensors) {
    std::ifstream file(catalogue.files[entry.file].path, std::ios::binary);
    std::string bytes(entry.bytes, '\0');
    file.seekg(static_cast<std::streamoff>(entry.offset));
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    all[entry.name] = description(entry.dtype, entry.shape) + bytes;
  }
  return all;
}
