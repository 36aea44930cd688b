#pragma once

#include <caf/actor.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>
#include <cstddef>
#include <cstdint>

#include "actors/ledger.hpp"

namespace plimsoll::actors {

/// The right to use a slot, an output buffer or a read permit, and the memory that comes with it.
///
/// Travels inside messages as a shared handle, moved from actor to actor; when the last owner lets
/// go (after success, an error or a cancel alike) the destructor tells the governor, which gives
/// the credit to the next ticket. Thread-safe as any shared handle.
class Lease final : public caf::ref_counted {
 public:
  /// What comes back to the governor.
  struct Terms {
    std::uint32_t load = 0;
    std::uint32_t unit = 0;  ///< the unit that was granted it
    std::uint16_t device = 0;
    std::uint16_t lane = 0;
    Claim claim;              ///< exactly one of its members is not 0
    std::uint32_t place = 0;  ///< number of the slot or buffer
    /// Its return ends the unit's stay: the one lease of each unit that is traced.
    bool ends_unit = false;
  };

  Lease(caf::actor governor, const Terms& terms, std::byte* memory) noexcept
      : governor_(std::move(governor)), terms_(terms), memory_(memory) {}
  ~Lease() override;

  /// Start of the slot or buffer; null for a read permit.
  [[nodiscard]] std::byte* memory() const noexcept { return memory_; }
  [[nodiscard]] const Terms& terms() const noexcept { return terms_; }

 private:
  caf::actor governor_;
  Terms terms_;
  std::byte* memory_;
};

using LeasePtr = caf::intrusive_ptr<Lease>;

}  // namespace plimsoll::actors
