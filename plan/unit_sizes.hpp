#pragma once

#include <cstdint>

#include "codecs/format.hpp"
#include "io/catalogue.hpp"
#include "plan/plan.hpp"

namespace plimsoll::plan {

/// How a tensor of one dtype and format is worked on.
struct Work {
  Route route;
  Dtype working = Dtype::f32;  ///< dtype the quantizer or cast reads (after a decode)
  std::uint64_t block = 1;     ///< elements that may not be separated
};

/// Whether `format` can be made from `dtype`; kept tensors of any dtype can.
[[nodiscard]] bool can_make(Dtype dtype, const codecs::Format& format) noexcept;

/// The stages for a tensor. A cast to the dtype it has already is no work: the tensor is kept.
[[nodiscard]] Work work_for(Dtype dtype, const codecs::Format& format) noexcept;

/// True if the tensor's bytes arrive unchanged and take no slot.
[[nodiscard]] inline bool is_kept(const Work& work) noexcept {
  return !work.route.decode && !work.route.convert && !work.route.quantize;
}

/// What a tensor's units divide among them: its elements, or for a kept tensor its bytes.
[[nodiscard]] std::uint64_t work_elements(Dtype dtype, const Work& work,
                                          std::uint64_t source_bytes) noexcept;

/// Elements of a full unit: as many as `unit_bytes` of full precision hold, whole blocks, at least
/// one block. Kept tensors count in bytes.
[[nodiscard]] std::uint64_t unit_elements(Dtype dtype, const Work& work,
                                          std::uint64_t unit_bytes) noexcept;

/// Slot memory a unit of `elements` needs: its source bytes with room to align them for a direct
/// read and, where a decode stands between, the decoded numbers behind them.
[[nodiscard]] std::uint64_t slot_bytes(Dtype dtype, const Work& work,
                                       std::uint64_t elements) noexcept;

/// Output buffer a unit of `elements` needs on its way to a checkpoint: its pieces side by side
/// (see plan/pieces.hpp), for a kept unit with room to align its read. Whole pages, at least one.
[[nodiscard]] std::uint64_t unit_output_bytes(const Work& work, const codecs::Format& format,
                                              std::uint64_t elements) noexcept;

/// Where a quantized unit's absmax begins in its output buffer.
[[nodiscard]] std::uint64_t absmax_offset(std::uint64_t elements) noexcept;

/// Where the decoded numbers begin in the slot.
[[nodiscard]] std::uint64_t decoded_offset(std::uint64_t source_bytes) noexcept;

}  // namespace plimsoll::plan
