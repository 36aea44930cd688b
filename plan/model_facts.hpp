#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::plan {

// What config.json tells about the shapes of a model's tensors, for operations that depend on them
// where the tensors themselves are not known. `config` may be null. What returns Expected fails
// with unsupported, and a reason that says which fact is not there.

/// Attention heads of the object at `member`, or of the config itself if it has none of that name
/// (empty: the config itself).
[[nodiscard]] Expected<std::uint64_t> attention_heads(const config::HfConfig* config,
                                                      const std::string& member);

/// The number `field` of the text config.
[[nodiscard]] Expected<std::uint64_t> text_number(const config::HfConfig* config,
                                                  std::string_view field);

/// How many experts a layer of the text config has, and the field that says so; nothing where no
/// field says it, or two say different numbers.
struct ExpertCount {
  std::string_view field;
  std::uint64_t experts = 0;
};
[[nodiscard]] std::optional<ExpertCount> expert_count(const config::HfConfig& config);

/// How `rows` rows are shared by targets that are query, key and value projections.
[[nodiscard]] Expected<std::vector<std::uint64_t>> projection_rows(
    const config::HfConfig* config, std::span<const std::string> targets, std::uint64_t rows);

/// Whether experts of `shape` have the model's shape (experts, rows, columns) rather than its
/// transpose: rows and columns are 2 I and H for a gate and up projection, H and I for a down
/// projection.
[[nodiscard]] Expected<bool> has_expert_shape(const config::HfConfig* config,
                                              std::string_view target, const io::Shape& shape);

}  // namespace plimsoll::plan
