#include "io/gguf.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "io/name_index.hpp"

namespace plimsoll::io {
namespace {

namespace ggml = codecs::ggml;

constexpr std::string_view magic = "GGUF";
constexpr std::uint64_t preamble_bytes = 4 + 4 + 8 + 8;
constexpr std::uint64_t length_bytes = 8;

// The shortest that these can be in a file: a key of one byte with a value of one byte, a name of
// one byte with no sizes.
constexpr std::uint64_t least_pair_bytes = length_bytes + 1 + 4 + 1;
constexpr std::uint64_t least_tensor_bytes = length_bytes + 1 + 4 + 4 + 8;

// A count in a file is only a claim; room is made for so many, and more as they come.
constexpr std::uint64_t trusted_count = 1u << 17;

constexpr std::uint64_t largest_size = std::numeric_limits<std::int64_t>::max();

/// Turns packed numbers of the other byte order around.
void swap_bytes(std::string& packed, std::size_t number_bytes) {
  for (std::size_t at = 0; at + number_bytes <= packed.size(); at += number_bytes) {
    std::reverse(packed.begin() + static_cast<std::ptrdiff_t>(at),
                 packed.begin() + static_cast<std::ptrdiff_t>(at + number_bytes));
  }
}

/// The header being read.
class Reader {
 public:
  Reader(std::uint64_t file_bytes, ReadAt read, const std::string& file)
      : file_bytes_(file_bytes), file_(file), input_(file_bytes, std::move(read), file) {}

  Expected<GgufHeader> read();

 private:
  [[nodiscard]] tl::unexpected<Error> refuse(ErrorCode code, std::string reason,
                                             std::string_view tensor = {}) const {
    return fail(code, std::move(reason), file_, std::string(tensor));
  }
  [[nodiscard]] tl::unexpected<Error> malformed(std::string reason,
                                                std::string_view tensor = {}) const {
    return refuse(ErrorCode::malformed, std::move(reason), tensor);
  }

  Expected<void> read_preamble();
  Expected<void> read_version();
  Expected<void> read_pairs();
  Expected<std::string> read_key();
  Expected<GgufValue> read_value(const std::string& key);
  Expected<GgufValue> read_strings(bool is_array, std::uint64_t count);
  Expected<GgufValue> read_numbers(GgufType type, bool is_array, std::uint64_t count);
  Expected<void> check_keys() const;

  Expected<void> read_tensors();
  Expected<void> read_name(GgufTensor& tensor);
  Expected<void> read_sizes(GgufTensor& tensor);
  Expected<void> read_type(GgufTensor& tensor);
  Expected<void> read_offset(GgufTensor& tensor);
  Expected<void> check_names() const;
  Expected<void> place_data();

  std::uint64_t file_bytes_;
  const std::string& file_;
  GgufInput input_;
  GgufHeader header_;
  std::uint64_t pair_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t data_bytes_ = 0;  ///< of the tensors read so far, each padded
};

Expected<void> Reader::read_version() {
  std::uint32_t version = input_.take<std::uint32_t>();
  // A version is small: where the low half is empty the bytes are in the other order.
  if (version != 0 && (version & 0xffff) == 0) {
    input_.set_big_endian();
    version = __builtin_bswap32(version);
  }
  header_.big_endian = input_.is_big_endian();
  header_.version = version;
  if (version == 2 || version == 3) return {};
  if (version == 0) return malformed("the version is 0");
  if (version == 1) {
    return refuse(ErrorCode::unsupported,
                  "GGUF version 1, which only the earliest files have, is not read: convert the "
                  "model again");
  }
  return refuse(ErrorCode::unsupported,
                "GGUF version " + std::to_string(version) + " is not known; 2 and 3 are");
}

Expected<void> Reader::read_preamble() {
  // The magic first, so that a short file of another kind is told by it.
  if (auto ready = input_.need(std::min<std::uint64_t>(magic.size(), file_bytes_), "the magic");
      !ready) {
    return ready;
  }
  if (input_.take_text(std::min<std::uint64_t>(magic.size(), file_bytes_)) != magic) {
    return malformed("the file does not begin with \"GGUF\"");
  }
  if (auto ready = input_.need(preamble_bytes - magic.size(), "the counts"); !ready) return ready;
  if (auto version = read_version(); !version) return version;
  tensor_count_ = input_.take<std::uint64_t>();
  pair_count_ = input_.take<std::uint64_t>();
  const std::uint64_t room = input_.remaining();
  if (pair_count_ > room / least_pair_bytes) {
    return malformed("the file is too short for its " + std::to_string(pair_count_) +
                     " key-value pairs");
  }
  if (tensor_count_ > (room - pair_count_ * least_pair_bytes) / least_tensor_bytes) {
    return malformed("the file is too short for its " + std::to_string(tensor_count_) + " tensors");
  }
  return {};
}

Expected<std::string> Reader::read_key() {
  if (auto ready = input_.need(length_bytes, "the length of a key"); !ready) {
    return fail(ready.error());
  }
  const auto length = input_.take<std::uint64_t>();
  if (length == 0) return malformed("a key of the metadata is empty");
  std::string key;
  if (auto done = input_.append_to(key, length, "a key"); !done) return fail(done.error());
  // ggml's functions take a key to end there, and would find another one.
  if (key.find('\0') != std::string::npos) {
    return malformed(quoted_gguf_key(key) + " has a NUL byte");
  }
  return key;
}

Expected<GgufValue> Reader::read_numbers(GgufType type, bool is_array, std::uint64_t count) {
  const std::size_t each = bytes_of(type);
  if (count > input_.remaining() / each) {
    return malformed("an array of " + std::to_string(count) + " elements is longer than the file");
  }
  std::string packed;
  if (auto done = input_.append_to(packed, count * each, "a value"); !done) {
    return fail(done.error());
  }
  if (input_.is_big_endian()) swap_bytes(packed, each);
  if (type == GgufType::boolean) {
    std::ranges::transform(packed, packed.begin(), [](char c) { return char{c != 0}; });
  }
  return GgufValue::packed(type, is_array, std::move(packed));
}

Expected<GgufValue> Reader::read_strings(bool is_array, std::uint64_t count) {
  if (count > input_.remaining() / length_bytes) {
    return malformed("an array of " + std::to_string(count) + " strings is longer than the file");
  }
  std::string packed;
  std::vector<std::uint64_t> starts;
  starts.reserve(std::min(count, trusted_count));
  for (std::uint64_t i = 0; i < count; ++i) {
    if (auto ready = input_.need(length_bytes, "the length of a string"); !ready) {
      return fail(ready.error());
    }
    const auto length = input_.take<std::uint64_t>();
    starts.push_back(packed.size());
    append_gguf_number(packed, length);
    if (auto done = input_.append_to(packed, length, "a string"); !done) return fail(done.error());
  }
  return GgufValue::packed_strings(is_array, std::move(packed), std::move(starts));
}

Expected<GgufValue> Reader::read_value(const std::string& key) {
  const auto read_type = [&]() -> Expected<GgufType> {
    if (auto ready = input_.need(4, "the type of a value"); !ready) return fail(ready.error());
    const auto id = input_.take<std::uint32_t>();
    if (id < gguf_type_count) return static_cast<GgufType>(id);
    return malformed(quoted_gguf_key(key) + " has a value of the unknown type " +
                     std::to_string(id));
  };
  auto type = read_type();
  if (!type) return fail(type.error());
  const bool is_array = *type == GgufType::array;
  std::uint64_t count = 1;
  if (is_array) {
    type = read_type();
    if (!type) return fail(type.error());
    if (*type == GgufType::array) {
      return malformed(quoted_gguf_key(key) + " has an array of arrays");
    }
    if (auto ready = input_.need(8, "the length of an array"); !ready) return fail(ready.error());
    count = input_.take<std::uint64_t>();
  }
  return *type == GgufType::string ? read_strings(is_array, count)
                                   : read_numbers(*type, is_array, count);
}

Expected<void> Reader::check_keys() const {
  std::vector<std::string_view> keys;
  keys.reserve(header_.metadata.pairs().size());
  for (const auto& pair : header_.metadata.pairs()) keys.push_back(pair.key);
  const NameIndex index(std::move(keys));
  if (const auto twice = index.duplicate()) {
    return malformed(quoted_gguf_key(header_.metadata.pairs()[*twice].key) + " occurs twice");
  }
  return {};
}

Expected<void> Reader::read_pairs() {
  for (std::uint64_t i = 0; i < pair_count_; ++i) {
    auto key = read_key();
    if (!key) return fail(key.error());
    auto value = read_value(*key);
    if (!value) return fail(value.error());
    header_.metadata.append(*std::move(key), *std::move(value));
  }
  if (auto checked = check_keys(); !checked) return checked;
  const auto alignment = gguf_alignment(header_.metadata, file_);
  if (!alignment) return fail(alignment.error());
  header_.alignment = *alignment;
  return {};
}

Expected<void> Reader::read_name(GgufTensor& tensor) {
  if (auto ready = input_.need(length_bytes, "the length of a tensor's name"); !ready) {
    return ready;
  }
  const auto length = input_.take<std::uint64_t>();
  if (length == 0) return malformed("a tensor's name is empty");
  if (length > max_gguf_name_bytes) {
    return malformed("a tensor's name has " + std::to_string(length) + " bytes, more than " +
                     std::to_string(max_gguf_name_bytes));
  }
  if (auto ready = input_.need(length, "a tensor's name"); !ready) return ready;
  tensor.name = input_.take_text(length);
  if (tensor.name.find('\0') != std::string::npos) {
    return malformed("the name has a NUL byte", tensor.name);
  }
  return {};
}

Expected<void> Reader::read_sizes(GgufTensor& tensor) {
  if (auto ready = input_.need(4, "a tensor's rank"); !ready) return ready;
  const auto rank = input_.take<std::uint32_t>();
  if (rank > max_gguf_rank) {
    return malformed("it has " + std::to_string(rank) + " dimensions, more than " +
                         std::to_string(max_gguf_rank),
                     tensor.name);
  }
  if (auto ready = input_.need(8 * std::uint64_t{rank}, "a tensor's shape"); !ready) return ready;
  tensor.shape.resize(rank);
  for (std::size_t i = rank; i-- > 0;) {
    const auto size = input_.take<std::uint64_t>();
    if (size > largest_size) return malformed("one of its sizes is negative", tensor.name);
    tensor.shape[i] = size;
  }
  return {};
}

Expected<void> Reader::read_type(GgufTensor& tensor) {
  if (auto ready = input_.need(4 + 8, "a tensor's type and offset"); !ready) return ready;
  const auto id = input_.take<std::uint32_t>();
  const auto type = ggml::type_of(id);
  if (!type) {
    return refuse(ErrorCode::unsupported,
                  "its type has the number " + std::to_string(id) +
                      ", which is unknown or was removed from the format",
                  tensor.name);
  }
  tensor.type = *type;
  const ggml::Traits& traits = ggml::traits_of(*type);
  const std::uint64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % traits.block_elements != 0) {
    return malformed("its rows of " + std::to_string(row) + " elements are no whole blocks of " +
                         std::string(traits.name) + " (" + std::to_string(traits.block_elements) +
                         ")",
                     tensor.name);
  }
  const auto bytes = gguf_tensor_bytes(tensor.shape, *type);
  if (!bytes) return malformed("its size does not fit 63 bits", tensor.name);
  tensor.bytes = *bytes;
  return {};
}

Expected<void> Reader::read_offset(GgufTensor& tensor) {
  tensor.offset = input_.take<std::uint64_t>();
  if (tensor.offset != data_bytes_) {
    return malformed("its data begin at offset " + std::to_string(tensor.offset) + ", but at " +
                         std::to_string(data_bytes_) + " by the sizes before it",
                     tensor.name);
  }
  if (__builtin_add_overflow(data_bytes_, gguf_padded(tensor.bytes, header_.alignment),
                             &data_bytes_)) {
    return malformed("the sizes up to it do not fit 64 bits", tensor.name);
  }
  return {};
}

Expected<void> Reader::read_tensors() {
  header_.tensors.reserve(std::min(tensor_count_, trusted_count));
  for (std::uint64_t i = 0; i < tensor_count_; ++i) {
    GgufTensor& tensor = header_.tensors.emplace_back();
    auto done = read_name(tensor);
    if (done) done = read_sizes(tensor);
    if (done) done = read_type(tensor);
    if (done) done = read_offset(tensor);
    if (!done) return done;
  }
  return check_names();
}

Expected<void> Reader::check_names() const {
  std::vector<std::string_view> names;
  names.reserve(header_.tensors.size());
  for (const GgufTensor& tensor : header_.tensors) names.push_back(tensor.name);
  const NameIndex index(std::move(names));
  if (const auto twice = index.duplicate()) {
    return malformed("the name occurs twice in the header", header_.tensors[*twice].name);
  }
  return {};
}

Expected<void> Reader::place_data() {
  header_.data_offset = input_.position();
  if (header_.tensors.empty()) return {};
  header_.data_offset = gguf_padded(header_.data_offset, header_.alignment);
  if (header_.data_offset > file_bytes_) {
    return malformed("the file ends before its tensors' data");
  }
  const std::uint64_t room = file_bytes_ - header_.data_offset;
  for (GgufTensor& tensor : header_.tensors) {
    if (tensor.offset > room || tensor.bytes > room - tensor.offset) {
      return malformed("its data end behind the file", tensor.name);
    }
    tensor.offset += header_.data_offset;
  }
  return {};
}

Expected<GgufHeader> Reader::read() {
  auto done = read_preamble();
  if (done) done = read_pairs();
  if (done) done = read_tensors();
  if (done) done = place_data();
  if (!done) return fail(done.error());
  return std::move(header_);
}

}  // namespace

std::optional<std::uint64_t> gguf_tensor_bytes(const Shape& shape, ggml::Type type) noexcept {
  const ggml::Traits& traits = ggml::traits_of(type);
  std::uint64_t elements = 1;
  bool is_empty = false;
  for (const std::uint64_t size : shape) {
    is_empty |= size == 0;
    if (size != 0 && __builtin_mul_overflow(elements, size, &elements)) return std::nullopt;
  }
  std::uint64_t bytes = elements / traits.block_elements;
  if (__builtin_mul_overflow(bytes, std::uint64_t{traits.block_bytes}, &bytes)) return std::nullopt;
  if (std::max(elements, bytes) > largest_size) return std::nullopt;
  return is_empty ? 0 : bytes;
}

Expected<GgufHeader> read_gguf_header(std::uint64_t file_bytes, ReadAt read,
                                      const std::string& file) {
  return Reader(file_bytes, std::move(read), file).read();
}

}  // namespace plimsoll::io
