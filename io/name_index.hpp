#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll::io {

/// Finds one of many names, and a name that occurs twice. A sorted table of hashes in which only
/// names of equal hash are compared: fast for real names, and n log n at worst however a hostile
/// file chooses them (a hash table would degrade to n squared).
///
/// Does not own the characters. At most 2^32 names. Building allocates 32 bytes a name.
class NameIndex {
 public:
  explicit NameIndex(std::vector<std::string_view> names);

  /// The position of `name` among the names given; nothing if it is not among them.
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const noexcept;

  /// The position of a name that was given before, if there is one.
  [[nodiscard]] std::optional<std::uint32_t> duplicate() const noexcept;

 private:
  std::vector<std::string_view> names_;
  std::vector<std::pair<std::size_t, std::uint32_t>> order_;  // hash and position
};

}  // namespace plimsoll::io
