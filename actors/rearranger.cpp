#include "actors/rearranger.hpp"

#include "plan/treatment.hpp"
#include "views/copies.hpp"
#include "views/strided_copy.hpp"

namespace plimsoll::actors {

void Rearranger::arrange(const plan::Plan& plan, const plan::Unit& unit, std::uint64_t width,
                         const std::byte* landed, std::byte* arranged) {
  const plan::OutputTensor& output = plan.outputs[unit.output];
  ranges_.clear();
  places_.clear();
  std::uint64_t place = 0;
  for (std::uint32_t i = 0; i < unit.read_count; ++i) {
    const plan::Read& read = plan.reads[unit.first_read + i];
    const std::uint64_t count =
        plan::stored_elements(plan::packing_of(plan, output, read), read.bytes);
    ranges_.push_back({read.source, read.first, count});
    places_.push_back(place);
    place += count;
  }
  views::for_each_copy(plan.views[unit.output], unit.region, [&](const views::StridedBox& copy) {
    copies_.clear();
    views::append_landed(copy, ranges_, places_, copies_);
    for (const views::StridedBox& part : copies_) {
      views::copy_strided(part, landed, arranged, width);
    }
  });
}

}  // namespace plimsoll::actors
