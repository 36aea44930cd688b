#include "assembled.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "catch.hpp"
#include "codecs/cast.hpp"
#include "io/checkpoint.hpp"
#include "views/strided_box.hpp"

namespace plimsoll::plan::test {
namespace {

std::vector<std::byte> read_whole(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream.is_open());
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

/// Copies a box element by element, by counting its axes like digits.
void copy_box(const views::StridedBox& box, std::size_t width, const std::byte* source,
              std::vector<std::byte>& out, std::vector<int>& written) {
  std::vector<std::uint64_t> index(box.axis_count, 0);
  while (true) {
    std::uint64_t from = box.source_offset;
    std::uint64_t to = box.result_offset;
    for (std::size_t i = 0; i < index.size(); ++i) {
      from += index[i] * box.axes[i].source_stride;
      to += index[i] * box.axes[i].result_stride;
    }
    std::memcpy(out.data() + to * width, source + from * width, width);
    ++written.at(to);
    std::size_t digit = index.size();
    while (digit > 0 && ++index[digit - 1] == box.axes[digit - 1].extent) index[--digit] = 0;
    if (digit == 0) return;
  }
}

}  // namespace

Checkpoint golden_checkpoint(const std::string& path) {
  const std::string place = std::string(PLIMSOLL_GOLDEN_DIR) + "/" + path;
  Checkpoint out;
  auto catalogue = io::open_checkpoint(place);
  REQUIRE(catalogue.has_value());
  out.catalogue = std::move(*catalogue);
  auto config = config::read_hf_config(out.catalogue.directory);
  REQUIRE(config.has_value());
  out.config = std::move(*config);
  for (const io::SourceFile& file : out.catalogue.files) {
    out.files.push_back(read_whole(file.path));
  }
  return out;
}

std::map<std::string, Dense> stored(const Checkpoint& checkpoint) {
  std::map<std::string, Dense> out;
  for (const io::TensorEntry& entry : checkpoint.catalogue.tensors) {
    const auto begin =
        checkpoint.files[entry.file].begin() + static_cast<std::ptrdiff_t>(entry.offset);
    out[entry.name] = {
        entry.dtype, entry.shape, {begin, begin + static_cast<std::ptrdiff_t>(entry.bytes)}};
  }
  return out;
}

std::map<std::string, Dense> made(const Checkpoint& checkpoint, const Blueprints& blueprints) {
  std::map<std::string, Dense> out;
  for (const Blueprint& tensor : blueprints.tensors) {
    const std::size_t width = bits_of(tensor.dtype) / 8;
    Dense dense{tensor.dtype, tensor.view.shape(),
                std::vector<std::byte>(tensor.view.elements() * width)};
    std::vector<int> written(tensor.view.elements(), 0);
    for (const views::StridedBox& box : tensor.view.boxes()) {
      const io::TensorEntry& entry = checkpoint.catalogue.tensors.at(box.source);
      copy_box(box, width, checkpoint.files[entry.file].data() + entry.offset, dense.bytes,
               written);
    }
    CHECK(written == std::vector<int>(tensor.view.elements(), 1));
    if (tensor.model_dtype && *tensor.model_dtype != dense.dtype) {
      REQUIRE(codecs::can_cast(dense.dtype, *tensor.model_dtype));
      std::vector<std::byte> cast(tensor.view.elements() * bits_of(*tensor.model_dtype) / 8);
      codecs::cast_scalar(dense.dtype, dense.bytes.data(), *tensor.model_dtype, cast.data(),
                          tensor.view.elements());
      dense.dtype = *tensor.model_dtype;
      dense.bytes = std::move(cast);
    }
    CHECK(out.emplace(tensor.name, std::move(dense)).second);
  }
  return out;
}

Checkpoint checkpoint_of(const std::map<std::string, Dense>& tensors,
                         std::optional<config::HfConfig> config) {
  Checkpoint out;
  out.config = std::move(config);
  out.catalogue.files.push_back({"made.safetensors", 0});
  std::vector<std::byte>& file = out.files.emplace_back();
  for (const auto& [name, dense] : tensors) {
    out.catalogue.tensors.push_back(
        {name, dense.dtype, dense.shape, 0, file.size(), dense.bytes.size()});
    file.insert(file.end(), dense.bytes.begin(), dense.bytes.end());
  }
  out.catalogue.files.front().bytes = file.size();
  return out;
}

std::vector<ExpectedTensor> expected_of(const std::map<std::string, Dense>& tensors) {
  std::vector<ExpectedTensor> out;
  for (const auto& [name, dense] : tensors) out.push_back({name, dense.dtype, dense.shape});
  return out;
}

const rules::RuleSet& shipped_rules() {
  static const rules::RuleSet set = rules::RuleSet::shipped().value();
  return set;
}

}  // namespace plimsoll::plan::test
