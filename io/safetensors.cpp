#include "io/safetensors.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <tuple>

#include "io/json_text.hpp"
#include "io/name_index.hpp"

namespace plimsoll::io {
namespace {

namespace dom = simdjson::dom;

/// An entry as it stands in the text; offsets count from the start of the data.
struct Record {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string_view name;
  dom::array shape;
  Dtype dtype = Dtype::f32;
};

/// The file being parsed, as errors name it.
class Header {
 public:
  Header(const std::string& file, std::uint64_t data_bytes)
      : file_(file), data_bytes_(data_bytes) {}

  Expected<SafetensorsHeader> read(const dom::object& root);

 private:
  template <class Reason>
  [[nodiscard]] tl::unexpected<Error> malformed(Reason&& reason,
                                                std::string_view tensor = {}) const {
    return fail(ErrorCode::malformed, std::string(std::forward<Reason>(reason)), file_,
                std::string(tensor));
  }

  Expected<std::map<std::string, std::string>> read_metadata(const dom::element& value) const;
  Expected<Record> read_entry(std::string_view name, const dom::element& value) const;
  Expected<void> read_offsets(const dom::element& value, Record& record) const;
  Expected<void> check_size(const Record& record) const;
  Expected<void> check_names(const std::vector<Record>& records) const;
  Expected<void> check_tiling(const std::vector<Record>& records) const;

  const std::string& file_;
  std::uint64_t data_bytes_;
};

Expected<std::map<std::string, std::string>> Header::read_metadata(
    const dom::element& value) const {
  std::map<std::string, std::string> metadata;
  if (value.is_null()) return metadata;
  dom::object members;
  if (value.get(members)) return malformed("__metadata__ is not an object");
  for (const auto [key, element] : members) {
    std::string_view text;
    if (element.get(text)) return malformed("__metadata__ holds a value that is not a string");
    if (!metadata.emplace(key, text).second) return malformed("__metadata__ has a key twice");
  }
  return metadata;
}

Expected<void> Header::read_offsets(const dom::element& value, Record& record) const {
  dom::array offsets;
  if (value.get(offsets)) return malformed("data_offsets is not an array", record.name);
  std::size_t count = 0;
  for (const dom::element offset : offsets) {
    std::uint64_t bytes = 0;
    if (offset.get(bytes)) {
      return malformed("data_offsets holds something else than unsigned integers", record.name);
    }
    if (count < 2) (count == 0 ? record.begin : record.end) = bytes;
    ++count;
  }
  if (count != 2) return malformed("data_offsets does not have two values", record.name);
  if (record.begin > record.end)
    return malformed("data_offsets end before they begin", record.name);
  if (record.end > data_bytes_) return malformed("its data ends behind the file", record.name);
  return {};
}

Expected<Record> Header::read_entry(std::string_view name, const dom::element& value) const {
  dom::object members;
  if (value.get(members)) return malformed("the entry is not an object", name);
  Record record;
  record.name = name;
  bool has_dtype = false;
  bool has_shape = false;
  bool has_offsets = false;
  for (const auto [key, element] : members) {
    if (key == "dtype") {
      std::string_view text;
      if (std::exchange(has_dtype, true)) return malformed("dtype occurs twice", name);
      if (element.get(text)) return malformed("dtype is not a string", name);
      const std::optional<Dtype> dtype = dtype_of(text);
      if (!dtype) return malformed("unknown dtype " + std::string(text.substr(0, 40)), name);
      record.dtype = *dtype;
    } else if (key == "shape") {
      if (std::exchange(has_shape, true)) return malformed("shape occurs twice", name);
      if (element.get(record.shape)) return malformed("shape is not an array", name);
    } else if (key == "data_offsets") {
      if (std::exchange(has_offsets, true)) return malformed("data_offsets occur twice", name);
      if (auto read = read_offsets(element, record); !read) return fail(read.error());
    }
  }
  if (!has_dtype) return malformed("dtype is missing", name);
  if (!has_shape) return malformed("shape is missing", name);
  if (!has_offsets) return malformed("data_offsets are missing", name);
  if (auto checked = check_size(record); !checked) return fail(checked.error());
  return record;
}

Expected<void> Header::check_size(const Record& record) const {
  std::uint64_t bits = 1;
  bool overflows = false;
  for (const dom::element size : record.shape) {
    std::uint64_t elements = 0;
    if (size.get(elements)) {
      return malformed("shape holds something else than unsigned integers", record.name);
    }
    overflows |= __builtin_mul_overflow(bits, elements, &bits);
  }
  overflows |= __builtin_mul_overflow(bits, std::uint64_t{bits_of(record.dtype)}, &bits);
  if (overflows) return malformed("its size in bits does not fit 64 bits", record.name);
  if (bits % 8 != 0) return malformed("its elements do not fill whole bytes", record.name);
  if (bits / 8 != record.end - record.begin) {
    return malformed("dtype and shape make " + std::to_string(bits / 8) +
                         " bytes, data_offsets span " + std::to_string(record.end - record.begin),
                     record.name);
  }
  return {};
}

Expected<void> Header::check_names(const std::vector<Record>& records) const {
  std::vector<std::string_view> names;
  names.reserve(records.size());
  for (const Record& record : records) names.push_back(record.name);
  const NameIndex index(std::move(names));
  if (const auto twice = index.duplicate()) {
    return malformed("the name occurs twice in the header", records[*twice].name);
  }
  return {};
}

Expected<void> Header::check_tiling(const std::vector<Record>& records) const {
  std::uint64_t position = 0;
  for (const Record& record : records) {
    if (record.begin < position) {
      return malformed("its data overlaps another tensor's", record.name);
    }
    if (record.begin > position) {
      return malformed(
          std::to_string(record.begin - position) + " bytes before its data belong to no tensor",
          record.name);
    }
    position = record.end;
  }
  if (position != data_bytes_) {
    return malformed(std::to_string(data_bytes_ - position) +
                     " bytes at the end of the file belong to no tensor");
  }
  return {};
}

Expected<SafetensorsHeader> Header::read(const dom::object& root) {
  SafetensorsHeader header;
  std::vector<Record> records;
  records.reserve(root.size());
  bool has_metadata = false;
  for (const auto [key, element] : root) {
    if (key == "__metadata__") {
      if (std::exchange(has_metadata, true)) return malformed("__metadata__ occurs twice");
      auto metadata = read_metadata(element);
      if (!metadata) return fail(metadata.error());
      header.metadata = *std::move(metadata);
      continue;
    }
    auto record = read_entry(key, element);
    if (!record) return fail(record.error());
    records.push_back(*record);
  }
  if (auto checked = check_names(records); !checked) return fail(checked.error());

  const auto before = [](const Record& a, const Record& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  };
  if (!std::is_sorted(records.begin(), records.end(), before)) {
    std::stable_sort(records.begin(), records.end(), before);
  }
  if (auto checked = check_tiling(records); !checked) return fail(checked.error());

  header.tensors.reserve(records.size());
  for (const Record& record : records) {
    TensorEntry& entry = header.tensors.emplace_back();
    entry.name = record.name;
    entry.dtype = record.dtype;
    entry.shape.reserve(record.shape.size());
    for (const dom::element size : record.shape)
      entry.shape.push_back(size.get_uint64().value_unsafe());
    entry.offset = record.begin;
    entry.bytes = record.end - record.begin;
  }
  return header;
}

}  // namespace

Expected<std::uint64_t> header_bytes_of(std::span<const char> first_bytes, std::uint64_t file_bytes,
                                        const std::string& file) {
  if (first_bytes.size() < header_word_bytes || file_bytes < header_word_bytes) {
    return fail(ErrorCode::malformed, "the file is too short for a header", file);
  }
  std::uint64_t bytes = 0;
  for (std::size_t i = header_word_bytes; i-- > 0;) {
    bytes = bytes << 8 | static_cast<unsigned char>(first_bytes[i]);
  }
  if (bytes > max_header_bytes) {
    return fail(ErrorCode::malformed,
                "the header's length " + std::to_string(bytes) + " is above the limit of " +
                    std::to_string(max_header_bytes) + "; is it a safetensors file?",
                file);
  }
  if (bytes > file_bytes - header_word_bytes) {
    return fail(ErrorCode::malformed,
                "the header's length " + std::to_string(bytes) + " reaches behind the file's " +
                    std::to_string(file_bytes) + " bytes",
                file);
  }
  return bytes;
}

struct SafetensorsParser::State {
  dom::parser parser;
};

SafetensorsParser::SafetensorsParser() : state_(std::make_unique<State>()) {}
SafetensorsParser::~SafetensorsParser() = default;
SafetensorsParser::SafetensorsParser(SafetensorsParser&&) noexcept = default;
SafetensorsParser& SafetensorsParser::operator=(SafetensorsParser&&) noexcept = default;

Expected<SafetensorsHeader> SafetensorsParser::parse(std::string_view text,
                                                     std::uint64_t file_bytes,
                                                     const std::string& file) {
  const std::uint64_t data_begin = header_word_bytes + text.size();
  if (file_bytes < data_begin) {
    return fail(ErrorCode::malformed, "the header reaches behind the file", file);
  }
  auto root = parse_json_object(state_->parser, text, max_depth, "the header", file);
  if (!root) return fail(root.error());
  auto header = Header(file, file_bytes - data_begin).read(*root);
  if (!header) return header;
  for (TensorEntry& tensor : header->tensors) tensor.offset += data_begin;
  return header;
}

}  // namespace plimsoll::io
