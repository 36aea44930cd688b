#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "plan/blueprint.hpp"
#include "plan/gguf_files.hpp"
#include "plan/plan.hpp"
#include "plan/treatment.hpp"

namespace plimsoll::plan {

/// A budget does not cut units below this many bytes.
inline constexpr std::uint64_t smallest_unit_bytes = 64 * 1024;
/// Bounds of what may be asked for, and of what a (sparse) file may claim to hold: below them no
/// size in a plan can overflow.
inline constexpr std::uint32_t most_slots = 65536;
inline constexpr std::uint64_t largest_unit_bytes = std::uint64_t{1} << 40;
inline constexpr std::uint64_t most_source_bytes = std::uint64_t{1} << 56;
/// A plan's units are held in memory, about 150 bytes each with what they read.
inline constexpr std::uint64_t most_units = std::uint64_t{1} << 24;
inline constexpr std::uint64_t most_reads = std::uint64_t{1} << 26;

/// How the parts of merged tensors come together; `automatic` takes for each tensor the way that
/// costs least.
enum class MergeMethod : std::uint8_t { automatic, fold, gather, two_pass };

struct PlanRequest {
  std::vector<Treatment> treatments;  ///< one a blueprint, in their order
  std::vector<std::string> devices = {"host"};
  Sink sink = Sink::memory;
  std::uint32_t slots = 4;                            ///< 1..most_slots
  std::uint64_t unit_bytes = std::uint64_t{1} << 20;  ///< 1..largest_unit_bytes
  std::optional<std::uint64_t> budget;                ///< per device
  std::uint64_t shard_bytes = 5'000'000'000;
  std::uint64_t direct_buffers =
      0;                         ///< what a direct byte source would hold; 0: it is not asked for
  bool direct_required = false;  ///< the budget may not drop the direct source
  /// Fold where scales do not cross units. Where one scale does: gather if the tensor fits in the
  /// slots, else two passes. Forced: fold refuses such tensors; gather makes slots as large as it
  /// takes, and gathers all merges that take slots; two_pass never gathers.
  MergeMethod merge = MergeMethod::automatic;
  std::optional<GgufTarget> gguf;  ///< checkpoint sink: a GGUF model in place of safetensors
  /// One a blueprint, or none at all: the weights of its columns' errors, for formats of ggml. One
  /// a column, or a set of them for each matrix.
  std::vector<std::span<const float>> importance;
};

/// Makes the plan (docs/planning.md): one output tensor a blueprint, placed on devices by whole
/// layers, cut into units of whole blocks or tiles, laid out exactly. Tickets follow the order of
/// the blueprints.
///
/// If the budget is below the load line, credits are lowered to 1 (of more than 64 several at
/// once), then unit bytes down to smallest_unit_bytes, then output buffers to 1, then the direct
/// source's buffers are given up unless required.
///
/// Errors: infeasible_budget (names the smallest budget that works), unsupported (a format that
/// cannot be made from a tensor's dtype, or a merge that cannot be done as asked; names the tensor;
/// or more than most_source_bytes in all), malformed (scales for some parts of a tensor only),
/// invalid_argument (no device, not one treatment a blueprint, slots or unit bytes out of range,
/// more than most_units units or most_reads ranges).
///
/// O(n log n) in tensors, linear in units; about 1 us a tensor and 0.1 us a unit, for a checkpoint
/// 10 us a tensor (its headers are written out).
[[nodiscard]] Expected<Plan> make_plan(const io::Catalogue& catalogue, Blueprints blueprints,
                                       const PlanRequest& request);

}  // namespace plimsoll::plan
