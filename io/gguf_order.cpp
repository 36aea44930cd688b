#include "io/gguf_order.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

namespace plimsoll::io {
namespace {

constexpr std::string_view layer_prefix = "blk.";

/// The number behind "blk."; -1 if there is none, so that such names come first.
int layer_of(std::string_view name) {
  int layer = -1;
  if (name.starts_with(layer_prefix)) {
    std::from_chars(name.data() + layer_prefix.size(), name.data() + name.size(), layer);
  }
  return layer;
}

}  // namespace

std::vector<std::uint32_t> llama_quantize_order(std::span<const std::string_view> names) {
  std::vector<int> layers(names.size());
  std::ranges::transform(names, layers.begin(), layer_of);
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(layers[i], names[i]); });
  return order;
}

}  // namespace plimsoll::io
