#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "plan/plan.hpp"

namespace plimsoll::plan {

/// Adds to a plan the components that its tensors consist of in memory and in files: the numbers or
/// codes of each, and what its format needs beside them (scales, NF4's map and state). What does
/// not depend on numbers goes into the plan's constants.
class ComponentMaker {
 public:
  /// Writes into `plan`, which outlives it: `components` and `constants`.
  explicit ComponentMaker(Plan& plan) : plan_(plan) {}

  /// The components of a tensor whose shape, dtype, format and packing are decided. Fills in their
  /// range and `buffer_bytes`; addresses count from the tensor's begin.
  void make(OutputTensor& output);

  /// The one component of a tensor whose numbers are known already, in F32.
  void make_known(OutputTensor& output, std::span<const float> values);

 private:
  /// Bytes in Plan::constants.
  struct Constant {
    std::uint64_t begin = 0;
    std::uint64_t bytes = 0;
  };

  void add_nf4(OutputTensor& output);
  Constant nf4_state(const OutputTensor& output);
  void add_fp8(OutputTensor& output);
  void add_blocks(OutputTensor& output);
  void add(OutputTensor& output, Role role, Dtype dtype, io::Shape shape, std::uint64_t bytes,
           std::uint64_t constant = no_constant);
  std::uint64_t add_constant(const void* bytes, std::size_t count);

  Plan& plan_;
  std::uint64_t nf4_map_ = no_constant;  // one copy of the map serves all tensors
  std::map<std::tuple<Dtype, std::uint32_t, io::Shape>, Constant> nf4_states_;
};

/// The stored name of a component: the tensor's own for data, else with the role's suffix, for
/// example "w.weight.absmax" (bitsandbytes' spelling) or "w.weight_scale_inv".
[[nodiscard]] std::string stored_name(const OutputTensor& output, const Component& component);

}  // namespace plimsoll::plan
