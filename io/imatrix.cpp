#include "io/imatrix.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "io/gguf.hpp"
#include "io/regular_file.hpp"

namespace plimsoll::io {
namespace {

namespace ggml = codecs::ggml;

constexpr std::string_view magic = "GGUF";
constexpr std::string_view sums_suffix = ".in_sum2";
constexpr std::string_view counts_suffix = ".counts";

void swap_floats(std::span<float> values) {
  for (float& value : values) {
    value = std::bit_cast<float>(__builtin_bswap32(std::bit_cast<std::uint32_t>(value)));
  }
}

/// Sorts the entries and checks what both formats promise.
Expected<void> finish(ImportanceMatrix& matrix, const std::string& path) {
  std::ranges::sort(matrix.tensors, {}, &TensorImportance::name);
  const auto twice = std::ranges::adjacent_find(matrix.tensors, {}, &TensorImportance::name);
  if (twice != matrix.tensors.end()) {
    return fail(ErrorCode::malformed, "the importance matrix has this name twice", path,
                twice->name);
  }
  for (const TensorImportance& tensor : matrix.tensors) {
    if (std::ranges::all_of(tensor.weights, [](float w) { return std::isfinite(w); })) continue;
    return fail(ErrorCode::malformed, "the importance matrix has a weight that is not finite", path,
                tensor.name);
  }
  return {};
}

/// Numbers and texts of the older format, one after the other.
class OldFormat {
 public:
  OldFormat(const RegularFile& file, const std::string& path) : file_(file), path_(path) {}

  Expected<ImportanceMatrix> read();

 private:
  [[nodiscard]] tl::unexpected<Error> malformed(std::string reason,
                                                const std::string& tensor = {}) const {
    return fail(ErrorCode::malformed, "as an importance matrix " + std::move(reason), path_,
                tensor);
  }
  [[nodiscard]] std::uint64_t remaining() const noexcept { return file_.bytes() - position_; }

  /// Fills memory; `bytes` were compared with what remains before it was allocated.
  Expected<void> fill(void* destination, std::uint64_t bytes);
  Expected<std::int32_t> number();
  /// A length, and that many elements of `each` bytes fit into what remains.
  Expected<std::uint64_t> length(std::size_t each, std::int32_t least, std::string_view what);
  Expected<std::string> text(std::int32_t least, std::string_view what);
  Expected<TensorImportance> entry();
  Expected<void> tail(ImportanceMatrix& matrix);

  const RegularFile& file_;
  const std::string& path_;
  std::uint64_t position_ = 0;
};

Expected<void> OldFormat::fill(void* destination, std::uint64_t bytes) {
  auto done = file_.read(position_, {static_cast<char*>(destination), bytes}, path_);
  position_ += bytes;
  return done;
}

Expected<std::int32_t> OldFormat::number() {
  std::array<unsigned char, 4> bytes{};
  if (remaining() < bytes.size()) return malformed("the file is cut short");
  if (auto done = fill(bytes.data(), bytes.size()); !done) return fail(done.error());
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return static_cast<std::int32_t>(value);
}

Expected<std::uint64_t> OldFormat::length(std::size_t each, std::int32_t least,
                                          std::string_view what) {
  const auto count = number();
  if (!count) return fail(count.error());
  if (*count < least) {
    return malformed("the file has " + std::string(what) + " of length " + std::to_string(*count));
  }
  const auto elements = static_cast<std::uint64_t>(*count);
  if (elements > remaining() / each) return malformed("the file is cut short");
  return elements;
}

Expected<std::string> OldFormat::text(std::int32_t least, std::string_view what) {
  const auto bytes = length(1, least, what);
  if (!bytes) return fail(bytes.error());
  std::string text(*bytes, '\0');
  if (auto done = fill(text.data(), text.size()); !done) return fail(done.error());
  return text;
}

Expected<TensorImportance> OldFormat::entry() {
  TensorImportance entry;
  auto name = text(1, "a name");
  if (!name) return fail(name.error());
  entry.name = *std::move(name);
  if (entry.name.find('\0') != std::string::npos) {
    return malformed("the file has a name with a NUL byte", entry.name);
  }
  const auto calls = number();
  if (!calls) return fail(calls.error());
  const auto count = length(sizeof(float), 1, "a list of values");
  if (!count) return fail(count.error());
  entry.weights.resize(*count);
  if (auto done = fill(entry.weights.data(), *count * sizeof(float)); !done) {
    return fail(done.error());
  }
  if constexpr (std::endian::native == std::endian::big) swap_floats(entry.weights);
  if (*calls > 0) {
    for (float& weight : entry.weights) weight /= static_cast<float>(*calls);
  }
  return entry;
}

/// The earliest files end behind their entries, later ones with two facts about the measuring.
Expected<void> OldFormat::tail(ImportanceMatrix& matrix) {
  if (remaining() == 0) return {};
  const auto chunks = number();
  if (!chunks) return fail(chunks.error());
  auto dataset = text(0, "a dataset's name");
  if (!dataset) return fail(dataset.error());
  if (remaining() != 0) return malformed("the file goes on behind its end");
  matrix.chunks = *chunks;
  matrix.datasets.push_back(*std::move(dataset));
  return {};
}

Expected<ImportanceMatrix> OldFormat::read() {
  // A name of one byte, three numbers and one value.
  constexpr std::size_t least_entry_bytes = 1 + 3 * 4 + 4;
  const auto count = length(least_entry_bytes, 1, "a list of entries");
  if (!count) return fail(count.error());
  ImportanceMatrix matrix;
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto next = entry();
    if (!next) return fail(next.error());
    matrix.tensors.push_back(*std::move(next));
  }
  if (auto done = tail(matrix); !done) return fail(done.error());
  return matrix;
}

/// The GGUF format.
class NewFormat {
 public:
  NewFormat(const RegularFile& file, const std::string& path) : file_(file), path_(path) {}

  Expected<ImportanceMatrix> read();

 private:
  struct Pair {
    const GgufTensor* sums = nullptr;
    const GgufTensor* counts = nullptr;
  };

  [[nodiscard]] tl::unexpected<Error> malformed(std::string reason,
                                                std::string_view tensor = {}) const {
    return fail(ErrorCode::malformed, std::move(reason), path_, std::string(tensor));
  }
  Expected<void> read_keys(ImportanceMatrix& matrix) const;
  Expected<std::uint32_t> read_u32(std::string_view key) const;
  Expected<std::vector<float>> read_floats(const GgufTensor& tensor) const;
  Expected<TensorImportance> weigh(const std::string& name, const Pair& pair) const;

  const RegularFile& file_;
  const std::string& path_;
  GgufHeader header_;
};

Expected<std::uint32_t> NewFormat::read_u32(std::string_view key) const {
  const GgufValue* value = header_.metadata.find(key);
  const auto number =
      value == nullptr || value->is_array() ? std::nullopt : value->exactly_at<std::uint32_t>(0);
  if (!number) return malformed("an importance matrix needs a u32 under " + std::string(key));
  return *number;
}

Expected<void> NewFormat::read_keys(ImportanceMatrix& matrix) const {
  const GgufValue* datasets = header_.metadata.find("imatrix.datasets");
  if (datasets == nullptr || !datasets->is_array() || datasets->type() != GgufType::string) {
    return malformed("an importance matrix needs an array of strings under imatrix.datasets");
  }
  for (std::uint64_t i = 0; i < datasets->size(); ++i) {
    matrix.datasets.emplace_back(*datasets->string_at(i));
  }
  if (const auto size = read_u32("imatrix.chunk_size"); !size) return fail(size.error());
  const auto chunks = read_u32("imatrix.chunk_count");
  if (!chunks) return fail(chunks.error());
  matrix.chunks = static_cast<std::int32_t>(*chunks);
  return {};
}

Expected<std::vector<float>> NewFormat::read_floats(const GgufTensor& tensor) const {
  if (tensor.type != ggml::Type::f32) {
    return malformed("an importance matrix needs it in f32", tensor.name);
  }
  std::vector<float> values(tensor.bytes / sizeof(float));
  auto done =
      file_.read(tensor.offset, {reinterpret_cast<char*>(values.data()), tensor.bytes}, path_);
  if (!done) return fail(done.error());
  if (header_.big_endian != (std::endian::native == std::endian::big)) swap_floats(values);
  return values;
}

Expected<TensorImportance> NewFormat::weigh(const std::string& name, const Pair& pair) const {
  if (pair.sums == nullptr) return malformed("the importance matrix has counts but no sums", name);
  if (pair.counts == nullptr)
    return malformed("the importance matrix has sums but no counts", name);
  const Shape& shape = pair.sums->shape;
  const std::uint64_t columns = shape.empty() ? 1 : shape.back();
  const std::uint64_t rows = shape.size() < 2 ? 1 : shape[shape.size() - 2];
  const std::uint64_t elements = element_count(shape);
  if (elements == 0) return malformed("the importance matrix has no values for it", name);
  if (elements != rows * columns || element_count(pair.counts->shape) != rows) {
    return malformed("the importance matrix has not one row of sums for each count", name);
  }
  auto weights = read_floats(*pair.sums);
  if (!weights) return fail(weights.error());
  const auto counts = read_floats(*pair.counts);
  if (!counts) return fail(counts.error());
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto its = std::span(*weights).subspan(row * columns, columns);
    const float count = (*counts)[row];
    if (count > 0.0f) {
      for (float& weight : its) weight /= count;
    } else {
      std::ranges::fill(its, 1.0f);
    }
  }
  return TensorImportance{name, *std::move(weights)};
}

Expected<ImportanceMatrix> NewFormat::read() {
  const auto read_at = [this](std::uint64_t offset, std::span<char> destination) {
    return file_.read(offset, destination, path_);
  };
  auto header = read_gguf_header(file_.bytes(), read_at, path_);
  if (!header) return fail(header.error());
  header_ = *std::move(header);
  ImportanceMatrix matrix;
  if (auto done = read_keys(matrix); !done) return fail(done.error());
  std::map<std::string, Pair> pairs;
  for (const GgufTensor& tensor : header_.tensors) {
    std::string_view name = tensor.name;
    const bool is_sums = name.ends_with(sums_suffix);
    if (!is_sums && !name.ends_with(counts_suffix)) continue;
    name.remove_suffix(is_sums ? sums_suffix.size() : counts_suffix.size());
    Pair& pair = pairs[std::string(name)];
    (is_sums ? pair.sums : pair.counts) = &tensor;
  }
  if (pairs.empty()) return malformed("the importance matrix has no entries");
  for (const auto& [name, pair] : pairs) {
    auto entry = weigh(name, pair);
    if (!entry) return fail(entry.error());
    matrix.tensors.push_back(*std::move(entry));
  }
  return matrix;
}

Expected<ImportanceMatrix> read_either(const RegularFile& file, const std::string& path) {
  std::array<char, magic.size()> first{};
  if (file.bytes() < first.size()) {
    return fail(ErrorCode::malformed, "the file is too short for an importance matrix", path);
  }
  if (auto done = file.read(0, first, path); !done) return fail(done.error());
  const bool is_gguf = std::string_view(first.data(), first.size()) == magic;
  return is_gguf ? NewFormat(file, path).read() : OldFormat(file, path).read();
}

}  // namespace

Expected<ImportanceMatrix> read_imatrix(const std::string& path) {
  const auto file = RegularFile::open(path);
  if (!file) return fail(file.error());
  auto matrix = read_either(*file, path);
  if (!matrix) return matrix;
  if (auto finished = finish(*matrix, path); !finished) return fail(finished.error());
  return matrix;
}

std::span<const float> ImportanceMatrix::find(std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(tensors, name, {}, &TensorImportance::name);
  if (found == tensors.end() || found->name != name) return {};
  return found->weights;
}

}  // namespace plimsoll::io
