#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gguf/names_file.hpp"

namespace plimsoll::gguf {

/// What one tensor of a checkpoint is in a GGUF file.
struct GgufName {
  const NameRow* row = nullptr;
  std::string name;
  /// Of a tensor that is one part of a stack: its place there, and its layer.
  std::optional<std::uint64_t> part;
  std::uint64_t layer = 0;
};

/// A family's name table, read from right to left. Rows that stack experts come before those that
/// do not; rows with conditions are left out. The family must outlive it.
class GgufNames {
 public:
  explicit GgufNames(const Family& family);

  /// Nothing for tensors that no row names.
  [[nodiscard]] std::optional<GgufName> of(std::string_view tensor) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::unordered_map<std::string, const NameRow*, Hash, std::equal_to<>> rows_;
};

}  // namespace plimsoll::gguf
