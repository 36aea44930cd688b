#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/assemble.hpp"

namespace plimsoll::plan::test {

/// A checkpoint with its weights, small enough to be read whole.
struct Checkpoint {
  io::Catalogue catalogue;
  std::optional<config::HfConfig> config;
  std::vector<std::vector<std::byte>> files;
};

/// Reads a golden checkpoint; fails the test if it is not there.
[[nodiscard]] Checkpoint golden_checkpoint(const std::string& path);

/// A tensor that exists.
struct Dense {
  Dtype dtype = Dtype::f32;
  io::Shape shape;
  std::vector<std::byte> bytes;
  friend bool operator==(const Dense&, const Dense&) = default;
};

/// What a checkpoint stores, by name.
[[nodiscard]] std::map<std::string, Dense> stored(const Checkpoint& checkpoint);

/// What blueprints make of a checkpoint, element by element, cast to the model's dtypes.
[[nodiscard]] std::map<std::string, Dense> made(const Checkpoint& checkpoint,
                                                const Blueprints& blueprints);

/// The checkpoint that holds `tensors` in one file.
[[nodiscard]] Checkpoint checkpoint_of(const std::map<std::string, Dense>& tensors,
                                       std::optional<config::HfConfig> config);

/// The tensors as a model's.
[[nodiscard]] std::vector<ExpectedTensor> expected_of(const std::map<std::string, Dense>& tensors);

/// The shipped rules, read once.
[[nodiscard]] const rules::RuleSet& shipped_rules();

}  // namespace plimsoll::plan::test
