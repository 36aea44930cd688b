#include "actors/transforms.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "actors/load_run.hpp"
#include "actors/unit_memory.hpp"
#include "codecs/cast.hpp"
#include "codecs/fp8.hpp"
#include "codecs/ggml/decode.hpp"
#include "codecs/ggml/encode.hpp"
#include "codecs/ggml/stored.hpp"
#include "codecs/nf4.hpp"
#include "plan/align.hpp"
#include "plan/treatment.hpp"

namespace plimsoll::actors {
namespace {

/// A task with what its plan says of it.
struct Job {
  explicit Job(const UnitTask& of)
      : task(of),
        plan(of.run->plan()),
        unit(plan.units[of.unit]),
        output(plan.outputs[unit.output]) {}

  const UnitTask& task;
  const plan::Plan& plan;
  const plan::Unit& unit;
  const plan::OutputTensor& output;
};

/// FP8 with scales -> `to`, range by range as they were read.
void apply_scales(const Job& job, Dtype to, std::byte* numbers) {
  const std::byte* codes = landing_of(job.task);
  const std::byte* scales = scales_of(job.task);
  const std::uint32_t first = job.unit.first_read;
  for (std::uint32_t i = 0; i < job.unit.read_count; ++i) {
    const plan::Read& read = job.plan.reads[first + i];
    const plan::Read& of_scales = job.plan.reads[first + job.unit.read_count + i];
    const plan::SourceScales& source = *job.plan.scales[read.source];
    codecs::fp8_block_dequantize(codes, read.first, read.bytes, source.grid, source.dtype, scales,
                                 to, numbers);
    codes += read.bytes;
    numbers += read.bytes * plan::element_bytes(to);
    scales += plan::align_up(of_scales.bytes, plan::component_alignment);
  }
}

/// Blocks and other numbers of a GGUF file -> `to`, range by range as they were read.
void decode_ranges(const Job& job, Dtype to, std::byte* numbers) {
  std::byte* bytes = landing_of(job.task);
  for (std::uint32_t i = 0; i < job.unit.read_count; ++i) {
    const plan::Read& read = job.plan.reads[job.unit.first_read + i];
    const plan::PackedSource& source = job.plan.packed[read.source];
    const std::uint64_t count = plan::stored_elements(source.packing, read.bytes);
    codecs::ggml::decode_stored(source.stored, bytes, count, to, numbers);
    bytes += read.bytes;
    numbers += count * plan::element_bytes(to);
  }
}

/// Whichever of the two its sources need.
void decode_sources(const Job& job, Dtype to, std::byte* numbers) {
  return job.output.scaled ? apply_scales(job, to, numbers) : decode_ranges(job, to, numbers);
}

/// Kept blocks of the other byte order.
void copy_swapped(const Job& job) {
  const plan::Piece piece = plan::pieces_of(job.plan, job.unit).items[0];
  std::byte* const place = destination_of(job.task, piece).first;
  std::memcpy(place, landing_of(job.task), piece.bytes());
  const plan::Read& read = job.plan.reads[job.unit.first_read];
  const codecs::ggml::Type type = job.plan.packed[read.source].stored.type;
  codecs::ggml::swap_byte_order(type, place, piece.bytes() / job.output.made.bytes);
}

/// Run by run, where the runs do not follow each other in their place.
void cast_runs(const Job& job, Dtype from, const std::byte* numbers) {
  const plan::Piece piece = plan::pieces_of(job.plan, job.unit).items[0];
  const Destination place = destination_of(job.task, piece);
  const std::uint64_t count = piece.row_bytes / plan::element_bytes(job.output.dtype);
  const std::uint64_t from_bytes = count * plan::element_bytes(from);
  for (std::uint64_t row = 0; row < piece.rows; ++row) {
    std::byte* const to = place.first + row * place.stride;
    if (from == job.output.dtype) {
      std::memcpy(to, numbers + row * from_bytes, from_bytes);
    } else {
      codecs::cast(from, numbers + row * from_bytes, job.output.dtype, to, count);
    }
  }
}

/// Rows that follow each other, as far as they have the same weights of errors: those of a matrix.
void quantize_rows(const Job& job, std::uint64_t row, std::uint64_t count, const std::byte* numbers,
                   std::byte* blocks) {
  const plan::OutputTensor& output = job.output;
  const std::uint64_t columns = output.shape.empty() ? 1 : output.shape.back();
  const std::uint64_t sets = std::max<std::uint64_t>(output.importance_count / columns, 1);
  const std::uint64_t rows_of_set = io::element_count(output.shape) / columns / sets;
  const std::uint64_t end = row + count;
  while (row < end) {
    const std::uint64_t set = row / rows_of_set;
    codecs::ggml::Rows rows{output.dtype, numbers, std::min(end, (set + 1) * rows_of_set) - row,
                            columns};
    if (output.importance != plan::no_importance) {
      rows.importance = job.plan.importance.data() + output.importance + set * columns;
    }
    codecs::ggml::encode(output.format.type, rows, blocks);
    blocks += plan::stored_bytes(output.made, rows.count * columns);
    numbers += rows.count * columns * plan::element_bytes(output.dtype);
    row += rows.count;
  }
}

void quantize_blocks(const Job& job) {
  const views::Region& region = job.unit.region;
  if (region.elements() == 0) return;
  const plan::Pieces pieces = plan::pieces_of(job.plan, job.unit);
  const Destination blocks = destination_of(job.task, pieces.items[0]);
  const std::uint64_t columns = job.output.shape.empty() ? 1 : job.output.shape.back();
  const std::uint64_t runs = pieces.items[0].rows;
  const std::uint64_t count = region.elements() / runs;
  const std::byte* const numbers = numbers_of(job.task);
  for (std::uint64_t run = 0; run < runs; ++run) {
    quantize_rows(job, (region.first + run * region.row_stride) / columns, count / columns,
                  numbers + run * count * plan::element_bytes(job.output.dtype),
                  blocks.first + run * blocks.stride);
  }
}

void quantize_nf4(const Job& job) {
  const plan::Pieces pieces = plan::pieces_of(job.plan, job.unit);
  const Destination codes = destination_of(job.task, pieces.items[0]);
  const Destination scales = destination_of(job.task, pieces.items[1]);
  const std::uint64_t rows = pieces.items[0].rows;
  const std::uint64_t count = job.unit.region.elements() / rows;
  const std::byte* numbers = numbers_of(job.task);
  for (std::uint64_t row = 0; row < rows; ++row) {
    codecs::nf4_quantize(
        job.output.dtype, numbers + row * count * plan::element_bytes(job.output.dtype), count,
        job.output.format.variant, job.output.format.blocksize, codes.first + row * codes.stride,
        reinterpret_cast<float*>(scales.first + row * scales.stride));
  }
}

/// Tiles begin anew in every matrix of the tensor, and a unit may hold several whole ones.
void quantize_tiles(const Job& job) {
  const std::uint64_t elements = job.unit.region.elements();
  if (elements == 0) return;
  const io::Shape& shape = job.output.shape;
  const plan::Pieces pieces = plan::pieces_of(job.plan, job.unit);
  const Destination codes = destination_of(job.task, pieces.items[0]);
  const Destination scales = destination_of(job.task, pieces.items[1]);
  const std::uint64_t width = plan::scale_width(job.output.format);
  const std::uint64_t columns = std::min(job.unit.region.columns, shape.back());
  const std::uint64_t rows = elements / columns;
  const std::uint64_t matrix_rows = std::min(rows, shape[shape.size() - 2]);

  codecs::Fp8Tiles tiles;
  tiles.rows = matrix_rows;
  tiles.columns = columns;
  tiles.source_stride = columns;
  tiles.code_stride = pieces.items[0].rows > 1 ? codes.stride : columns;
  tiles.scale_stride = scales.stride / width;
  const std::uint64_t tile_rows = (matrix_rows + codecs::fp8_tile - 1) / codecs::fp8_tile;
  const std::byte* numbers = numbers_of(job.task);
  for (std::uint64_t matrix = 0; matrix < rows / matrix_rows; ++matrix) {
    const std::uint64_t row = matrix * matrix_rows;
    codecs::fp8_block_quantize(job.output.dtype,
                               numbers + row * columns * plan::element_bytes(job.output.dtype),
                               tiles, job.output.format, codes.first + row * tiles.code_stride,
                               scales.first + matrix * tile_rows * scales.stride);
  }
}

float largest_magnitude(const Job& job, const std::byte* numbers) {
  return codecs::fp8_absmax(job.output.dtype, numbers, job.unit.region.elements());
}

void quantize_with_one_scale(const Job& job) {
  const std::uint64_t elements = job.unit.region.elements();
  if (elements == 0) return;
  const std::byte* numbers = numbers_of(job.task);
  const float absmax = job.output.merge == plan::Merge::two_pass
                           ? std::bit_cast<float>(state_of(job.task))
                           : largest_magnitude(job, numbers);
  const float scale = codecs::fp8_tensor_scale(absmax);
  const plan::Pieces pieces = plan::pieces_of(job.plan, job.unit);
  const Destination codes = destination_of(job.task, pieces.items[0]);
  const std::uint64_t count = elements / pieces.items[0].rows;
  for (std::uint64_t row = 0; row < pieces.items[0].rows; ++row) {
    codecs::fp8_tensor_quantize(job.output.dtype,
                                numbers + row * count * plan::element_bytes(job.output.dtype),
                                count, scale, codes.first + row * codes.stride);
  }
  if (pieces.count < 2) return;
  std::memcpy(destination_of(job.task, pieces.items[1]).first, &scale, sizeof scale);
}

/// Magnitudes are not negative, so that their bits are in the order of their values; those of NaN
/// are above all.
void measure(const Job& job) {
  const std::byte* const numbers =
      job.unit.route.decode ? decoded_of(job.task) : landing_of(job.task);
  const std::uint32_t found = std::bit_cast<std::uint32_t>(largest_magnitude(job, numbers));
  const std::atomic_ref<std::uint32_t> state(state_of(job.task));
  std::uint32_t before = state.load(std::memory_order_relaxed);
  while (before < found && !state.compare_exchange_weak(before, found, std::memory_order_relaxed)) {
  }
}

}  // namespace

void decode_unit(const UnitTask& task) {
  const Job job(task);
  if (job.output.is_coded()) return decode_sources(job, job.output.dtype, decoded_of(task));
  codecs::cast(job.output.source_dtype, landing_of(task), job.output.dtype, decoded_of(task),
               job.unit.region.elements());
}

void convert_unit(const UnitTask& task, Rearranger& rearranger) {
  const Job job(task);
  const plan::Route& route = job.unit.route;
  const Dtype dtype = route.decode ? job.output.dtype : job.output.source_dtype;
  if (route.rearrange) {
    const std::byte* const landed = route.decode ? decoded_of(task) : landing_of(task);
    rearranger.arrange(job.plan, job.unit, plan::element_bytes(dtype), landed, arranged_of(task));
  }
  if (!route.convert) return;
  if (job.output.is_coded() && !route.decode) {
    if (job.output.format.kind == codecs::FormatKind::keep) return copy_swapped(job);
    const plan::Piece piece = plan::pieces_of(job.plan, job.unit).items[0];
    return decode_sources(job, job.output.dtype, destination_of(task, piece).first);
  }
  cast_runs(job, dtype, numbers_of(task));
}

void quantize_unit(const UnitTask& task) {
  const Job job(task);
  if (job.unit.route.measure) return measure(job);
  switch (job.output.format.kind) {
    case codecs::FormatKind::nf4:
      return quantize_nf4(job);
    case codecs::FormatKind::fp8_block:
      return quantize_tiles(job);
    case codecs::FormatKind::ggml:
      return quantize_blocks(job);
    default:
      return quantize_with_one_scale(job);
  }
}

}  // namespace plimsoll::actors
