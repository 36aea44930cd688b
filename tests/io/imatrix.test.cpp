#include "io/imatrix.hpp"

#include <bit>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "gguf_file.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using namespace plimsoll::io;
using nlohmann::json;
using plimsoll::ErrorCode;

namespace {

void check_weights(const ImportanceMatrix& matrix, const json& expected) {
  REQUIRE(matrix.tensors.size() == expected.size());
  for (const auto& [name, bits] : expected.items()) {
    INFO(name);
    const auto weights = matrix.find(name);
    REQUIRE(weights.size() == bits.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      CHECK(std::bit_cast<std::uint32_t>(weights[i]) == bits[i]);
    }
  }
}

/// An importance matrix in GGUF, well-formed as it stands: one entry of two rows of four columns.
struct GgufMatrix : GgufFile {
  std::string data;

  GgufMatrix() {
    const auto strings = packed(std::uint32_t{8}) + packed(std::uint64_t{1}) + packed_text("d");
    pairs = {packed_pair("imatrix.datasets", 9, strings),
             packed_pair("imatrix.chunk_count", 4, packed(2u)),
             packed_pair("imatrix.chunk_size", 4, packed(512u))};
    tensors = {{"t.in_sum2", {4, 2}, 0, 0, {}, {}}, {"t.counts", {1, 2}, 0, 32, {}, {}}};
    for (const float value : {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f, 8.0f})
      data += packed(value);
    data += packed(2.0f) + packed(4.0f);
  }

  [[nodiscard]] std::string file() const {
    GgufFile head = *this;
    head.data_bytes = 0;
    return head.bytes() + data;
  }
};

/// One entry of the older format.
std::string entry(const std::string& name, std::int32_t calls, const std::vector<float>& values) {
  std::string out = packed(static_cast<std::int32_t>(name.size())) + name + packed(calls) +
                    packed(static_cast<std::int32_t>(values.size()));
  for (const float value : values) out += packed(value);
  return out;
}

plimsoll::Expected<ImportanceMatrix> read(const std::string& file) {
  const ScratchDirectory directory;
  return read_imatrix(directory.write("i", file));
}

void check_refused(const std::string& file, const std::string& reason,
                   const std::string& tensor = {}) {
  const auto matrix = read(file);
  INFO(reason);
  REQUIRE(!matrix);
  CHECK(matrix.error().code() == ErrorCode::malformed);
  CHECK(!matrix.error().file().empty());
  CHECK(matrix.error().tensor() == tensor);
  CHECK_MENTIONS(matrix.error().reason(), reason);
}

void check_refused(const std::function<void(GgufMatrix&)>& spoil, const std::string& reason,
                   const std::string& tensor = {}) {
  GgufMatrix matrix;
  spoil(matrix);
  check_refused(matrix.file(), reason, tensor);
}

}  // namespace

TEST_CASE("importance matrices of both formats are weighed bit for bit as llama-quantize does") {
  const json expected = json::parse(gguf_golden("expected.json"));
  for (const char* name : {"imatrix.gguf", "imatrix_be.gguf"}) {
    const auto matrix = read_imatrix(gguf_golden_path(name));
    REQUIRE(matrix);
    check_weights(*matrix, expected["imatrix.gguf"]);
    CHECK(matrix->datasets == std::vector<std::string>{"wiki.txt", "code.txt"});
    CHECK(matrix->chunks == 12);
    CHECK(matrix->find("blk.0.attn_k.weight").empty());
  }
  const auto old = read_imatrix(gguf_golden_path("imatrix.dat"));
  REQUIRE(old);
  check_weights(*old, expected["imatrix.dat"]);
  CHECK(old->datasets == std::vector<std::string>{"wiki.txt"});
  CHECK(old->chunks == 12);
  const auto oldest = read_imatrix(gguf_golden_path("imatrix_short.dat"));
  REQUIRE(oldest);
  check_weights(*oldest, expected["imatrix.dat"]);
  CHECK(oldest->datasets.empty());
  CHECK(oldest->chunks == 0);
}

TEST_CASE("other tensors in a GGUF importance matrix are ignored") {
  GgufMatrix matrix;
  matrix.tensors.push_back({"t.in_sum", {1}, 24, 64, {}, {}});
  matrix.data.resize(65);
  CHECK(read(matrix.file()));
}

TEST_CASE("a malformed GGUF importance matrix is refused with its reason") {
  using M = GgufMatrix;
  CHECK(read(M().file()));
  check_refused([](M& m) { m.pairs.erase(m.pairs.begin()); }, "imatrix.datasets");
  check_refused([](M& m) { m.pairs[0] = packed_pair("imatrix.datasets", 8, packed_text("d")); },
                "imatrix.datasets");
  check_refused([](M& m) { m.pairs.erase(m.pairs.begin() + 1); }, "u32 under imatrix.chunk_count");
  check_refused([](M& m) { m.pairs[2] = packed_pair("imatrix.chunk_size", 5, packed(1)); },
                "u32 under imatrix.chunk_size");
  check_refused([](M& m) { m.tensors.clear(); }, "no entries");
  check_refused([](M& m) { m.tensors.pop_back(); }, "sums but no counts", "t");
  check_refused([](M& m) { m.tensors[0].name = "u.in_sum2"; }, "counts but no sums", "t");
  check_refused([](M& m) { m.tensors[1].sizes = {1, 1}; }, "not one row of sums", "t");
  check_refused([](M& m) { m.tensors[0].sizes = {2, 2, 2}; }, "not one row of sums", "t");
  check_refused(
      [](M& m) {
        m.tensors[0].sizes = {0, 2};
        m.tensors[1].offset = 0;
      },
      "no values", "t");
  check_refused([](M& m) { m.tensors[1].type = 26; }, "needs it in f32", "t.counts");
  check_refused([](M& m) { m.data.resize(39); }, "end behind the file", "t.counts");
  check_refused([](M& m) { m.data.replace(0, 4, packed(std::numeric_limits<float>::infinity())); },
                "not finite", "t");
  check_refused([](M& m) { m.data.replace(4, 4, packed(std::numeric_limits<float>::quiet_NaN())); },
                "not finite", "t");
}

TEST_CASE("a malformed importance matrix of the older format is refused with its reason") {
  const std::string good = packed(1) + entry("t", 1, {1, 2});
  CHECK(read(good));
  check_refused("", "too short");
  check_refused(std::string(3, '\0'), "too short");
  check_refused(packed(0), "a list of entries of length 0");
  check_refused(packed(-1), "a list of entries of length -1");
  check_refused(packed(std::numeric_limits<int>::max()) + entry("t", 1, {1}), "cut short");
  check_refused(packed(2) + entry("t", 1, {1, 2, 3, 4, 5}) + entry("t", 1, {1}), "name twice", "t");
  check_refused(packed(1) + packed(0) + std::string(20, '\0'), "a name of length 0");
  check_refused(packed(1) + packed(-5) + std::string(20, '\0'), "a name of length -5");
  check_refused(packed(1) + packed(100) + std::string(20, 'n'), "cut short");
  check_refused(packed(1) + entry(std::string("a\0b", 3), 1, {1}), "NUL", std::string("a\0b", 3));
  check_refused(packed(1) + entry("t", 1, {}) + std::string(8, '\0'), "list of values of length 0");
  check_refused(packed(1) + packed(1) + "t" + packed(1) + packed(-2) + std::string(8, '\0'),
                "list of values of length -2");
  check_refused(packed(1) + entry("t", 1, {std::numeric_limits<float>::infinity()}), "not finite",
                "t");
  check_refused(good + packed(7) + packed(-1), "a dataset's name of length -1");
  check_refused(good + packed(7) + packed(1) + "dd", "goes on behind its end");
}

TEST_CASE("an importance matrix may end anywhere without harm") {
  for (const char* name : {"imatrix.gguf", "imatrix.dat"}) {
    const std::string file = gguf_golden(name);
    // The oldest files end behind their entries; GGUF may lack the last padding.
    const std::size_t whole_too = gguf_golden("imatrix_short.dat").size();
    const bool is_gguf = std::string_view(name).ends_with(".gguf");
    const std::size_t end = is_gguf ? file.size() - 20 : file.size();
    for (std::size_t length = 0; length < end; ++length) {
      const auto matrix = read(file.substr(0, length));
      CHECK(matrix.has_value() == (!is_gguf && length == whole_too));
    }
    CHECK(read(file.substr(0, end)));
  }
}
