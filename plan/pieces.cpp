#include "plan/pieces.hpp"

#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {
namespace {

std::uint64_t ceil_div(std::uint64_t value, std::uint64_t divisor) {
  return (value + divisor - 1) / divisor;
}

}  // namespace

Pieces pieces_of(const Plan& plan, const Unit& unit) noexcept {
  const OutputTensor& output = plan.outputs[unit.output];
  const std::uint32_t data = output.first_component;
  Pieces pieces;
  if (unit.route.quantize) {
    const std::uint64_t block = output.format.blocksize;
    const Piece packed{data, unit.first_element / 2, ceil_div(unit.elements, 2), 0};
    const Piece absmax{data + 1, unit.first_element / block * sizeof(float),
                       ceil_div(unit.elements, block) * sizeof(float),
                       absmax_offset(unit.elements)};
    pieces = {{packed, absmax}, 2};
  } else if (unit.route.convert) {
    const std::uint64_t element = bits_of(output.dtype) / 8;
    pieces = {{Piece{data, unit.first_element * element, unit.elements * element, 0}}, 1};
  } else {
    pieces = {{Piece{data, unit.first_element, unit.source_bytes, unit.landing}}, 1};
  }
  return pieces;
}

}  // namespace plimsoll::plan
