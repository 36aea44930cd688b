#include "actors/slot_row.hpp"

#include <algorithm>
#include <numeric>

namespace plimsoll::actors {

SlotRow::SlotRow(std::uint32_t slots) : taken_(slots, false), free_(slots) {
  std::iota(free_.rbegin(), free_.rend(), 0u);
}

bool SlotRow::has(std::uint32_t count) const {
  if (count < 2) return count <= free_.size();
  return find(count).has_value();
}

std::optional<std::uint32_t> SlotRow::find(std::uint32_t count) const {
  if (count > free_.size()) return std::nullopt;
  std::uint32_t run = 0;
  for (std::uint32_t i = 0; i < taken_.size(); ++i) {
    run = taken_[i] ? 0 : run + 1;
    if (run == count) return i + 1 - count;
  }
  return std::nullopt;
}

std::uint32_t SlotRow::take(std::uint32_t count) {
  if (count == 0) return 0;
  if (count == 1) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    taken_[slot] = true;
    return slot;
  }
  const std::uint32_t first = find(count).value();
  std::erase_if(free_, [&](std::uint32_t slot) { return slot >= first && slot < first + count; });
  std::fill_n(taken_.begin() + first, count, true);
  return first;
}

void SlotRow::give(std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    taken_[first + i] = false;
    free_.push_back(first + i);
  }
}

}  // namespace plimsoll::actors
