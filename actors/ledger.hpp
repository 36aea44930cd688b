#pragma once

#include <cstdint>

namespace plimsoll::actors {

/// What a unit needs before it may begin, on each device it names. All of it is granted at once or
/// nothing is.
struct Claim {
  std::uint32_t slots = 0;    ///< credits: rights to hold one full-precision unit
  std::uint32_t outputs = 0;  ///< output buffers on the way to a file or a consumer
  std::uint32_t reads = 0;    ///< kept units being read: they need no memory, only patience

  friend bool operator==(const Claim&, const Claim&) = default;
};

/// The count of credits of one device, or of one load's share of it.
///
/// Invariant, at every call: held <= capacity in each of the three. A claim that does not fit waits
/// outside (see GrantOrder); one above the capacity never fits and is refused when planning.
/// Not thread-safe: one owner, the governor.
class Ledger {
 public:
  Ledger() = default;
  explicit Ledger(const Claim& capacity) : capacity_(capacity) {}

  /// True if the whole claim can be taken now.
  [[nodiscard]] bool fits(const Claim& claim) const noexcept;

  /// Takes a claim that fits.
  void take(const Claim& claim) noexcept;

  /// Gives back what was taken, in one piece or in parts.
  void give(const Claim& claim) noexcept;

  [[nodiscard]] const Claim& held() const noexcept { return held_; }
  [[nodiscard]] const Claim& capacity() const noexcept { return capacity_; }

 private:
  Claim capacity_;
  Claim held_;
};

}  // namespace plimsoll::actors
