// Included once for every target: see Highway's foreach_target.h.
#if defined(PLIMSOLL_CODECS_GGML_CODES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef PLIMSOLL_CODECS_GGML_CODES_INL_HPP
#undef PLIMSOLL_CODECS_GGML_CODES_INL_HPP
#else
#define PLIMSOLL_CODECS_GGML_CODES_INL_HPP
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>

// Codes are bytes, 32 at a time. What is made of them is widened by interleaving, which happens
// within the halves of a vector; so that elements come out in order, codes go in out of it. An
// Order says how: byte k of a vector is the code of element Order::element[k].

HWY_BEFORE_NAMESPACE();
namespace plimsoll::codecs::ggml {
namespace HWY_NAMESPACE {
namespace {
#if HWY_TARGET <= HWY_AVX2

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::FixedTag<std::uint8_t, 32>;
using Halves = hn::FixedTag<std::uint16_t, 16>;
using Words = hn::FixedTag<std::uint32_t, 8>;
using Longs = hn::FixedTag<std::uint64_t, 4>;
using Ints = hn::FixedTag<std::int32_t, 8>;
using Floats = hn::FixedTag<float, 8>;
using ByteVector = hn::Vec<Bytes>;
using HalfVector = hn::Vec<Halves>;
using FloatVector = hn::Vec<Floats>;

constexpr std::size_t run = 32;  // codes of a vector

using ByteTable = std::array<std::uint8_t, run>;

/// For bytes that are interleaved once, to halves.
struct ByHalves {
  static constexpr ByteTable element = {0,  1,  2,  3,  4,  5,  6,  7,  16, 17, 18,
                                        19, 20, 21, 22, 23, 8,  9,  10, 11, 12, 13,
                                        14, 15, 24, 25, 26, 27, 28, 29, 30, 31};
};

/// For bytes that are interleaved twice, to words.
struct ByWords {
  static constexpr ByteTable element = {0, 1, 2, 3, 8,  9,  10, 11, 16, 17, 18, 19, 24, 25, 26, 27,
                                        4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31};
};

/// Byte k is what `entry_of` says of the element there.
template <class Order, class EntryOf>
constexpr ByteTable table_of(EntryOf entry_of) {
  ByteTable table{};
  for (std::size_t k = 0; k < run; ++k) {
    table[k] = static_cast<std::uint8_t>(entry_of(unsigned{Order::element[k]}));
  }
  return table;
}

HWY_INLINE ByteVector load(const ByteTable& table) {
  return hn::LoadU(Bytes(), table.data());
}

HWY_INLINE ByteVector constant(unsigned byte) {
  return hn::Set(Bytes(), static_cast<std::uint8_t>(byte));
}

/// 32 bytes, one an element.
template <class Order>
HWY_INLINE ByteVector arranged(ByteVector bytes) {
  const Words d;
  alignas(32) constexpr std::array<std::int32_t, 8> places = [] {
    std::array<std::int32_t, 8> words{};
    for (std::size_t i = 0; i < 8; ++i) words[i] = Order::element[4 * i] / 4;
    return words;
  }();
  const auto words =
      hn::TableLookupLanes(hn::BitCast(d, bytes), hn::SetTableIndices(d, places.data()));
  return hn::BitCast(Bytes(), words);
}

template <class Order>
HWY_INLINE ByteVector arranged(const std::uint8_t* bytes) {
  return arranged<Order>(hn::LoadU(Bytes(), bytes));
}

/// The bits of bytes, moved down; those of the neighbour come in above.
template <int bits>
HWY_INLINE ByteVector moved_down(ByteVector bytes) {
  return hn::BitCast(Bytes(), hn::ShiftRight<bits>(hn::BitCast(Halves(), bytes)));
}

/// The bits of bytes, moved up; those of the neighbour come in below.
template <int bits>
HWY_INLINE ByteVector moved_up(ByteVector bytes) {
  return hn::BitCast(Bytes(), hn::ShiftLeft<bits>(hn::BitCast(Halves(), bytes)));
}

HWY_INLINE ByteVector low_nibbles(ByteVector bytes) {
  return hn::And(bytes, constant(15));
}

HWY_INLINE ByteVector high_nibbles(ByteVector bytes) {
  return hn::And(moved_down<4>(bytes), constant(15));
}

/// The nibbles of 16 bytes, of which each holds elements `apart` from each other, the first one
/// low.
template <class Order, unsigned apart>
HWY_INLINE ByteVector nibbles(const std::uint8_t* bytes) {
  constexpr ByteTable sources =
      table_of<Order>([](unsigned i) { return i / (2 * apart) * apart + i % apart; });
  alignas(32) constexpr std::array<std::uint32_t, 8> shifts = [] {
    std::array<std::uint32_t, 8> counts{};
    for (std::size_t i = 0; i < 8; ++i) counts[i] = Order::element[4 * i] / apart % 2 * 4;
    return counts;
  }();
  const auto spread = hn::TableLookupBytes(hn::LoadDup128(Bytes(), bytes), load(sources));
  const Words d;
  const auto nibbles = hn::BitCast(d, spread) >> hn::LoadU(d, shifts.data());
  return low_nibbles(hn::BitCast(Bytes(), nibbles));
}

/// All ones where an element's bit is set: bit i of the word is that of element i.
template <class Order>
HWY_INLINE ByteVector where_set(std::uint32_t word) {
  constexpr ByteTable sources = table_of<Order>([](unsigned i) { return i / 8; });
  constexpr ByteTable bits = table_of<Order>([](unsigned i) { return 1u << i % 8; });
  const auto spread =
      hn::TableLookupBytes(hn::BitCast(Bytes(), hn::Set(Words(), word)), load(sources));
  const auto selected = load(bits);
  return hn::VecFromMask(Bytes(), hn::Eq(hn::And(spread, selected), selected));
}

#endif
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plimsoll::codecs::ggml
HWY_AFTER_NAMESPACE();

#endif
