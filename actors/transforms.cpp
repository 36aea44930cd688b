#include "actors/transforms.hpp"

#include "actors/load_run.hpp"
#include "actors/unit_memory.hpp"
#include "codecs/cast.hpp"
#include "codecs/nf4.hpp"

namespace plimsoll::actors {

void decode_unit(const UnitTask& task) {
  const plan::Plan& plan = task.run->plan();
  const plan::Unit& unit = plan.units[task.unit];
  const plan::OutputTensor& output = plan.outputs[unit.output];
  codecs::cast(output.source_dtype, landing_of(task), output.dtype, numbers_of(task),
               unit.elements);
}

void convert_unit(const UnitTask& task) {
  const plan::Plan& plan = task.run->plan();
  const plan::Unit& unit = plan.units[task.unit];
  const plan::OutputTensor& output = plan.outputs[unit.output];
  const plan::Pieces pieces = plan::pieces_of(plan, unit);
  codecs::cast(output.source_dtype, numbers_of(task), output.dtype,
               destination_of(task, pieces.items[0]), unit.elements);
}

void quantize_unit(const UnitTask& task) {
  const plan::Plan& plan = task.run->plan();
  const plan::Unit& unit = plan.units[task.unit];
  const plan::OutputTensor& output = plan.outputs[unit.output];
  const plan::Pieces pieces = plan::pieces_of(plan, unit);
  codecs::nf4_quantize(output.dtype, numbers_of(task), unit.elements, output.format.variant,
                       output.format.blocksize, destination_of(task, pieces.items[0]),
                       reinterpret_cast<float*>(destination_of(task, pieces.items[1])));
}

}  // namespace plimsoll::actors
