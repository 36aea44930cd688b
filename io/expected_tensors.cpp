#include "io/expected_tensors.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "codecs/torch_dtype.hpp"
#include "io/catalogue.hpp"
#include "io/name_index.hpp"
#include "io/regular_file.hpp"
#include "io/safetensors.hpp"

namespace plimsoll::io {
namespace {

namespace dom = simdjson::dom;

/// An entry of the list is an object that holds a list; a little more serves what is ignored.
constexpr std::size_t max_depth = 32;

std::optional<Dtype> dtype_spelled(std::string_view text) {
  if (const auto dtype = dtype_of(text)) return dtype;
  return codecs::torch_dtype(text);
}

/// Whether a tensor of this shape has a number of bits that can be counted.
bool can_be_counted(const Shape& shape, Dtype dtype) {
  std::uint64_t bits = bits_of(dtype);
  for (const std::uint64_t size : shape) {
    if (size != 0 && bits > std::numeric_limits<std::uint64_t>::max() / size) return false;
    bits *= size;
  }
  return true;
}

/// The list being read, as errors name it.
class List {
 public:
  explicit List(const std::string& file) : file_(file) {}

  Expected<std::vector<ExpectedTensor>> read(const dom::array& entries) const {
    std::vector<ExpectedTensor> tensors;
    for (const dom::element entry : entries) {
      Expected<ExpectedTensor> tensor = read_entry(entry, tensors.size());
      if (!tensor) return fail(tensor.error());
      tensors.push_back(std::move(*tensor));
    }
    std::vector<std::string_view> names;
    names.reserve(tensors.size());
    for (const ExpectedTensor& tensor : tensors) names.push_back(tensor.name);
    if (const auto twice = NameIndex(std::move(names)).duplicate()) {
      return malformed("the name occurs twice", tensors[*twice].name);
    }
    return tensors;
  }

 private:
  [[nodiscard]] tl::unexpected<Error> malformed(std::string reason,
                                                std::string_view tensor = {}) const {
    return fail(ErrorCode::malformed, std::move(reason), file_, std::string(tensor));
  }

  /// The values of "name", "shape" and "dtype", each of which has to stand there once.
  Expected<std::array<dom::element, 3>> find_members(const dom::element& entry,
                                                     std::size_t number) const {
    static constexpr std::array<std::string_view, 3> wanted = {"name", "shape", "dtype"};
    const std::string where = "entry " + std::to_string(number);
    dom::object object;
    if (entry.get(object)) return malformed(where + " is not an object");
    std::array<dom::element, 3> values;
    std::array<bool, 3> found{};
    for (const auto [key, value] : object) {
      const auto place = std::find(wanted.begin(), wanted.end(), key) - wanted.begin();
      const auto index = static_cast<std::size_t>(place);
      if (index == wanted.size()) continue;
      if (std::exchange(found[index], true)) {
        return malformed(where + " has \"" + std::string(key) + "\" twice");
      }
      values[index] = value;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!found[i]) return malformed(where + " has no \"" + std::string(wanted[i]) + '"');
    }
    return values;
  }

  Expected<ExpectedTensor> read_entry(const dom::element& entry, std::size_t number) const {
    const auto members = find_members(entry, number);
    if (!members) return fail(members.error());
    const auto& [name_value, shape_value, dtype_value] = *members;
    std::string_view name;
    if (name_value.get(name)) {
      return malformed("the name of entry " + std::to_string(number) + " is not a string");
    }
    std::string_view spelled;
    if (dtype_value.get(spelled)) return malformed("dtype is not a string", name);
    const std::optional<Dtype> dtype = dtype_spelled(spelled);
    if (!dtype) {
      return malformed("unknown dtype '" + std::string(spelled.substr(0, 40)) + "'", name);
    }
    ExpectedTensor tensor{std::string(name), *dtype, {}};
    dom::array sizes;
    if (shape_value.get(sizes)) return malformed("shape is not a list", name);
    for (const dom::element value : sizes) {
      std::uint64_t size = 0;
      if (value.get(size)) return malformed("shape holds what is no unsigned number", name);
      tensor.shape.push_back(size);
    }
    if (!can_be_counted(tensor.shape, *dtype)) return malformed("the shape overflows", name);
    return tensor;
  }

  const std::string& file_;
};

/// A buffer with the file's first `bytes` and room for the parser behind them.
Expected<std::vector<char>> read_front(const RegularFile& file, std::uint64_t bytes,
                                       const std::string& path) {
  std::vector<char> text(bytes + json_padding);
  if (auto done = file.read(0, {text.data(), bytes}, path); !done) return fail(done.error());
  return text;
}

Expected<std::vector<ExpectedTensor>> read_list(const RegularFile& file, const std::string& path) {
  if (file.bytes() > max_header_bytes) {
    return fail(ErrorCode::malformed,
                "the list is longer than " + std::to_string(max_header_bytes) + " bytes", path);
  }
  const auto text = read_front(file, file.bytes(), path);
  if (!text) return fail(text.error());
  dom::parser parser;
  auto code = parser.allocate(file.bytes(), max_depth);
  dom::element root;
  if (code == simdjson::SUCCESS) code = parser.parse(text->data(), file.bytes(), false).get(root);
  if (code == simdjson::MEMALLOC || code == simdjson::CAPACITY) {
    return fail(ErrorCode::out_of_memory, "no memory to parse the list", path);
  }
  if (code != simdjson::SUCCESS) {
    return fail(ErrorCode::malformed, "neither a safetensors file nor valid JSON", path);
  }
  dom::array entries;
  if (root.get(entries)) return fail(ErrorCode::malformed, "the JSON is not a list", path);
  return List(path).read(entries);
}

Expected<std::vector<ExpectedTensor>> read_header(const RegularFile& file,
                                                  std::span<const char> first_bytes,
                                                  const std::string& path) {
  const auto header_bytes = header_bytes_of(first_bytes, file.bytes(), path);
  if (!header_bytes) return fail(header_bytes.error());
  const auto text = read_front(file, header_word_bytes + *header_bytes, path);
  if (!text) return fail(text.error());
  auto header = SafetensorsParser().parse({text->data() + header_word_bytes, *header_bytes},
                                          file.bytes(), path);
  if (!header) return fail(header.error());
  std::vector<ExpectedTensor> tensors;
  tensors.reserve(header->tensors.size());
  for (TensorEntry& entry : header->tensors) {
    tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape)});
  }
  return tensors;
}

}  // namespace

Expected<std::vector<ExpectedTensor>> read_expected_tensors(const std::string& path) {
  const auto file = RegularFile::open(path);
  if (!file) return fail(file.error());
  std::array<char, header_word_bytes> first{};
  if (file->bytes() < first.size()) return read_list(*file, path);
  if (auto done = file->read(0, first, path); !done) return fail(done.error());
  return first.back() == '\0' ? read_header(*file, first, path) : read_list(*file, path);
}

}  // namespace plimsoll::io
