#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace plimsoll::config {

/// Sorts dotted names into kinds: names that differ only in parts that are numbers, such as those
/// of layers and experts, are of one kind. The shipped patterns tell no number from another, so
/// that what they say of one name holds for its kind; a checkpoint of many experts has tens of
/// thousands of names and some dozens of kinds.
///
/// Not for several threads at a time.
class NameKinds {
 public:
  /// Kinds are counted from 0 in the order in which they are met: one that equals size() before the
  /// call is new. Cost: one pass over the name; allocates for new kinds only.
  [[nodiscard]] std::size_t kind_of(std::string_view name);

  [[nodiscard]] std::size_t size() const noexcept { return kinds_.size(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> kinds_;
  std::string spelled_;  // of the name at hand, with 0 for each number
};

}  // namespace plimsoll::config
