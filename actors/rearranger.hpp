#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan/plan.hpp"
#include "views/source_ranges.hpp"
#include "views/strided_box.hpp"

namespace plimsoll::actors {

/// Puts a unit's numbers into the order of the result. Keeps the lists it works with from one unit
/// to the next, so that it stops allocating after a few. One user at a time.
class Rearranger {
 public:
  /// `landed`: the unit's reads one after the other, elements of `width` bytes. `arranged`: room
  /// for as many.
  void arrange(const plan::Plan& plan, const plan::Unit& unit, std::uint64_t width,
               const std::byte* landed, std::byte* arranged);

 private:
  std::vector<views::SourceRange> ranges_;
  std::vector<std::uint64_t> places_;
  std::vector<views::StridedBox> copies_;
};

}  // namespace plimsoll::actors
