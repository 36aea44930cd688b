#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "io/gguf.hpp"

/// A GGUF file, piece by piece, that a test may spoil before bytes are made of it. As it stands:
/// two key-value pairs and three tensors, well-formed. Shares no code with what it tests.
struct GgufFile {
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> sizes;  ///< innermost first, as files have them
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::optional<std::uint32_t> rank;             ///< if not that of sizes
    std::optional<std::uint64_t> name_bytes = {};  ///< if not those of name
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  bool big_endian = false;
  std::optional<std::int64_t> tensor_count;  ///< if not that of tensors
  std::optional<std::int64_t> pair_count;    ///< if not that of pairs
  std::vector<std::string> pairs;            ///< complete bytes
  std::vector<Tensor> tensors;
  std::uint32_t alignment = 32;
  std::uint64_t data_bytes = 0;  ///< behind the header and its padding

  GgufFile();

  [[nodiscard]] std::string header() const;
  [[nodiscard]] std::string bytes() const;
};

/// A number as a file has it.
template <class T>
[[nodiscard]] std::string packed(T number, bool big_endian = false) {
  std::string bytes(reinterpret_cast<const char*>(&number), sizeof number);
  return big_endian ? std::string(bytes.rbegin(), bytes.rend()) : bytes;
}

/// Length and bytes of a text.
[[nodiscard]] std::string packed_text(std::string_view text, bool big_endian = false);

/// A key-value pair: `value` as it stands behind the type.
[[nodiscard]] std::string packed_pair(std::string_view key, std::uint32_t type,
                                      std::string_view value);

/// Reads the header of a file that is in memory; every read must lie within it.
[[nodiscard]] plimsoll::Expected<plimsoll::io::GgufHeader> read_gguf(std::string_view file);

/// The bytes of a file in tests/golden/gguf.
[[nodiscard]] std::string gguf_golden(const std::string& name);

/// The path of that file.
[[nodiscard]] std::string gguf_golden_path(const std::string& name);
