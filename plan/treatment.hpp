#pragma once

#include <cstdint>
#include <optional>

#include "codecs/format.hpp"
#include "plan/plan.hpp"

namespace plimsoll::plan {

/// What becomes of a tensor's numbers.
struct Treatment {
  codecs::Format format;
  /// What they are when they are quantized; nothing: what follows from the stored dtype.
  std::optional<Dtype> working;

  friend bool operator==(const Treatment&, const Treatment&) = default;
};

/// What there is to treat.
struct Stock {
  Dtype dtype = Dtype::f32;
  bool coded = false;  ///< its bytes are no numbers yet: FP8 that needs scales, blocks of GGUF
  std::size_t rank = 2;
  std::uint64_t row = 1;    ///< elements of a row
  std::uint64_t block = 1;  ///< elements that its sources hold together
};

/// How a tensor is worked on, whatever its size.
struct Work {
  /// Of a unit whose source bytes arrive in the order of the result.
  Route route;
  Dtype working = Dtype::f32;      ///< dtype that the quantizer reads, or that a cast makes
  std::uint64_t block = 1;         ///< elements that may not be separated
  std::uint64_t tile = 0;          ///< rows and columns that may not be; 0: blocks are flat
  std::uint64_t tile_columns = 0;  ///< the same, or more of them where the sources ask for it
  bool one_scale = false;          ///< a scale for all units together
};

/// Whether the treatment can be given; keeping anything can.
[[nodiscard]] bool can_make(const Stock& stock, const Treatment& treatment) noexcept;

/// The stages for a tensor. A cast to the dtype it has already is no work: the tensor is kept.
[[nodiscard]] Work work_for(const Stock& stock, const Treatment& treatment) noexcept;

/// The stages of a unit whose source bytes arrive in another order.
[[nodiscard]] Route rearranged(Route route, bool coded) noexcept;

/// Whether what a unit of a tensor with this route reads goes from its landing to its place in one
/// step. Runs that lie apart in the result cannot be parted on that way.
[[nodiscard]] bool lands_at_once(const Route& route, bool coded) noexcept;

/// The stages of a unit that only finds the largest magnitude.
[[nodiscard]] Route measuring(Route route) noexcept;

/// Bytes of one element, as units count them: 1 for the dtypes of less than a byte.
[[nodiscard]] std::uint64_t element_bytes(Dtype dtype) noexcept;

}  // namespace plimsoll::plan
