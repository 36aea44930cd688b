#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace plimsoll::actors {

/// Which of a load's slots on one device are free. Slots lie side by side in memory, so that a unit
/// that needs several takes neighbours. Not thread-safe.
class SlotRow {
 public:
  explicit SlotRow(std::uint32_t slots = 0);

  /// Whether `count` neighbours are free; always for none.
  [[nodiscard]] bool has(std::uint32_t count) const;

  /// Takes `count` neighbours that there are and returns the number of the first. A single slot is
  /// the one that was given back last, as it is still in the cache. Linear in slots for more.
  [[nodiscard]] std::uint32_t take(std::uint32_t count);

  /// Gives back what was taken.
  void give(std::uint32_t first, std::uint32_t count);

 private:
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t count) const;

  std::vector<bool> taken_;
  std::vector<std::uint32_t> free_;  // the next to be taken at the end
};

}  // namespace plimsoll::actors
