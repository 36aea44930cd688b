#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace plimsoll::cli {

/// "[4096, 1024]".
[[nodiscard]] inline std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

}  // namespace plimsoll::cli
