#pragma once

#include <cstddef>
#include <cstdint>

namespace plimsoll::simulation {

/// A seeded stream of choices (splitmix64). Unlike the distributions of the standard library it
/// gives the same values on every machine, so a seed means the same run everywhere.
class Choices {
 public:
  explicit Choices(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  /// Evenly from 0 to `count` - 1; `count` is at least 1 (and small beside 2^64).
  [[nodiscard]] std::uint64_t below(std::uint64_t count) noexcept { return next() % count; }

  /// Evenly from `least` to `most`.
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
    return least + below(most - least + 1);
  }

  /// True in `percent` of all cases.
  [[nodiscard]] bool chance(unsigned percent) noexcept { return below(100) < percent; }

  template <class T, std::size_t count>
  [[nodiscard]] const T& one_of(const T (&items)[count]) noexcept {
    return items[below(count)];
  }

  /// A stream of its own, so that what one part draws does not shift what another draws.
  [[nodiscard]] Choices fork() noexcept { return Choices(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace plimsoll::simulation
