#include "trace/event.hpp"

#include <array>
#include <cstddef>

namespace plimsoll::trace {
namespace {

constexpr std::array<std::string_view, event_kind_count> kind_names = {
    "grant", "read", "decode", "convert", "quantize", "place", "write", "release",
};
constexpr std::array<std::string_view, 3> phase_names = {"begin", "end", "point"};

static_assert(sizeof(Event) <= 40);

}  // namespace

std::string_view name_of(EventKind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(EventPhase phase) noexcept {
  return phase_names[static_cast<std::size_t>(phase)];
}

}  // namespace plimsoll::trace
