#include "plan/placement.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "rules/natural_order.hpp"

namespace plimsoll::plan {
namespace {

/// A layer and what all its tensors weigh.
struct Layer {
  std::string_view name;
  std::uint64_t bytes = 0;
};

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// For each layer, how many devices it and all later ones need if none may hold more than `cap`
/// (which no single layer exceeds). One entry more than layers: none need none.
std::vector<std::size_t> devices_needed(std::span<const Layer> layers, std::uint64_t cap) {
  std::vector<std::size_t> needed(layers.size() + 1, 0);
  std::size_t end = layers.size();  // the first layer that no longer fits beside layer i
  std::uint64_t held = 0;
  for (std::size_t i = layers.size(); i-- > 0;) {
    held += layers[i].bytes;
    while (held > cap) held -= layers[--end].bytes;
    needed[i] = needed[end] + 1;
  }
  return needed;
}

/// The least cap under which `devices` suffice.
std::uint64_t smallest_cap(std::span<const Layer> layers, std::size_t devices) {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (const Layer& layer : layers) {
    low = std::max(low, layer.bytes);
    high += layer.bytes;
  }
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (devices_needed(layers, middle).front() <= devices) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// The device of each layer: every device takes about its share of what is left, never more than
/// the smallest cap, and never so little that the later devices would have to exceed it.
std::vector<std::uint16_t> divide(std::span<const Layer> layers, std::uint16_t devices) {
  const std::uint64_t cap = smallest_cap(layers, devices);
  const std::vector<std::size_t> needed = devices_needed(layers, cap);
  std::uint64_t left = 0;
  for (const Layer& layer : layers) left += layer.bytes;

  std::vector<std::uint16_t> division(layers.size());
  std::uint16_t device = 0;
  std::uint64_t held = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::size_t later = devices - device - 1u;
    const std::uint64_t share = (held + left) / (later + 1);
    const bool enough = held > 0 && held + layers[i].bytes / 2 >= share;
    const bool full = held + layers[i].bytes > cap;
    if (later > 0 && (full || (enough && needed[i] <= later))) {
      ++device;
      held = 0;
    }
    division[i] = device;
    held += layers[i].bytes;
    left -= layers[i].bytes;
  }
  return division;
}

}  // namespace

std::string_view layer_of(std::string_view name) noexcept {
  std::size_t begin = 0;
  while (begin < name.size()) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (all_digits(name.substr(begin, end - begin))) return name.substr(0, end);
    begin = end + 1;
  }
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(0, dot);
}

std::vector<std::uint16_t> place_by_layers(std::span<const Placeable> tensors,
                                           std::uint16_t devices) {
  std::vector<std::uint16_t> placed(tensors.size(), 0);
  if (devices <= 1 || tensors.empty()) return placed;

  std::vector<std::string_view> names(tensors.size());
  std::transform(tensors.begin(), tensors.end(), names.begin(),
                 [](const Placeable& tensor) { return layer_of(tensor.name); });
  std::vector<std::uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t left, std::uint32_t right) {
    return rules::natural_less(names[left], names[right]);
  });

  std::vector<Layer> layers;
  for (const std::uint32_t tensor : order) {
    if (layers.empty() || layers.back().name != names[tensor]) layers.push_back({names[tensor], 0});
    layers.back().bytes += tensors[tensor].bytes;
  }

  const std::vector<std::uint16_t> division = divide(layers, devices);
  std::size_t layer = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && names[order[i]] != names[order[i - 1]]) ++layer;
    placed[order[i]] = division[layer];
  }
  return placed;
}

}  // namespace plimsoll::plan
