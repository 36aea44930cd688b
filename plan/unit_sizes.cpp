#include "plan/unit_sizes.hpp"

#include <algorithm>

#include "codecs/cast.hpp"
#include "io/byte_source.hpp"
#include "plan/align.hpp"

namespace plimsoll::plan {
namespace {

using codecs::FormatKind;

bool is_plain(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

/// Eight-bit floats fit bf16 exactly, except those with a wider exponent or more fraction; F64 is
/// rounded to f32 once, as the reference libraries do before they quantize.
Dtype working_dtype(Dtype dtype) {
  if (is_plain(dtype)) return dtype;
  return bits_of(dtype) == 8 ? Dtype::bf16 : Dtype::f32;
}

std::uint64_t element_bytes(Dtype dtype) {
  return bits_of(dtype) / 8;
}

}  // namespace

bool can_make(Dtype dtype, const codecs::Format& format) noexcept {
  if (format.kind == FormatKind::keep) return true;
  if (codecs::is_cast(format.kind)) {
    return dtype == codecs::cast_dtype(format.kind) ||
           codecs::can_cast(dtype, codecs::cast_dtype(format.kind));
  }
  return is_plain(dtype) || codecs::can_cast(dtype, working_dtype(dtype));
}

Work work_for(Dtype dtype, const codecs::Format& format) noexcept {
  Work work;
  work.working = dtype;
  if (codecs::is_cast(format.kind)) {
    work.route.convert = dtype != codecs::cast_dtype(format.kind);
  } else if (format.kind == FormatKind::nf4) {
    work.working = working_dtype(dtype);
    work.route.decode = work.working != dtype;
    work.route.quantize = true;
    work.block = format.blocksize;
  }
  return work;
}

std::uint64_t work_elements(Dtype dtype, const Work& work, std::uint64_t source_bytes) noexcept {
  return is_kept(work) ? source_bytes : source_bytes / element_bytes(dtype);
}

std::uint64_t unit_elements(Dtype dtype, const Work& work, std::uint64_t unit_bytes) noexcept {
  if (is_kept(work)) return std::max<std::uint64_t>(unit_bytes, 1);
  const std::uint64_t widest = std::max(element_bytes(dtype), element_bytes(work.working));
  return std::max(unit_bytes / widest / work.block, std::uint64_t{1}) * work.block;
}

std::uint64_t decoded_offset(std::uint64_t source_bytes) noexcept {
  // One page in front to match the file's alignment, one behind to end on it.
  return align_up(source_bytes, io::direct_alignment) + io::direct_alignment;
}

std::uint64_t unit_output_bytes(const Work& work, const codecs::Format& format,
                                std::uint64_t elements) noexcept {
  if (is_kept(work)) return decoded_offset(elements);
  if (work.route.convert) {
    return whole_pages(elements * element_bytes(codecs::cast_dtype(format.kind)));
  }
  const std::uint64_t blocks = elements / format.blocksize + (elements % format.blocksize != 0);
  return whole_pages(absmax_offset(elements) + blocks * sizeof(float));
}

std::uint64_t absmax_offset(std::uint64_t elements) noexcept {
  return align_up(elements / 2 + elements % 2, component_alignment);
}

std::uint64_t slot_bytes(Dtype dtype, const Work& work, std::uint64_t elements) noexcept {
  if (is_kept(work)) return 0;
  const std::uint64_t source = decoded_offset(elements * element_bytes(dtype));
  const std::uint64_t decoded =
      work.route.decode ? align_up(elements * element_bytes(work.working), page_size) : 0;
  return source + decoded;
}

}  // namespace plimsoll::plan
