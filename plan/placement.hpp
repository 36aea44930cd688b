#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll::plan {

/// A tensor to be placed: its name and what it weighs on a device in the end, in bytes.
struct Placeable {
  std::string_view name;
  std::uint64_t bytes = 0;
};

/// The layer a tensor belongs to: its name up to and including the first all-digit part
/// ("model.layers.3"), or without one its module ("model.embed_tokens").
[[nodiscard]] std::string_view layer_of(std::string_view name) noexcept;

/// Gives every tensor a device, 0 <= device < devices. Layers are never divided and keep their
/// natural order across devices (numbers compare as numbers); among all such divisions the one is
/// taken whose fullest device holds the fewest bytes. O(n log n).
[[nodiscard]] std::vector<std::uint16_t> place_by_layers(std::span<const Placeable> tensors,
                                                         std::uint16_t devices);

}  // namespace plimsoll::plan
