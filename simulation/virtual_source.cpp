#include "simulation/virtual_source.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace plimsoll::simulation {
namespace {

constexpr int rubbish = 0xDB;

void spoil(const io::ReadRange& range) {
  std::memset(range.destination, rubbish, range.bytes);
}

/// A direct source reads whole blocks.
void spoil_padding(const io::ReadRange& range) {
  if (!range.padded) return;
  const std::uint64_t front = range.offset % io::direct_alignment;
  const std::uint64_t behind = -(range.offset + range.bytes) % io::direct_alignment;
  std::memset(range.destination - front, rubbish, front);
  std::memset(range.destination + range.bytes, rubbish, behind);
}

}  // namespace

std::span<const std::byte> VirtualSource::bytes_of(const io::ReadRange& range) const {
  return std::span(stage_.scenario.files[range.file]).subspan(range.offset, range.bytes);
}

bool VirtualSource::try_read(std::span<const io::ReadRange> ranges) noexcept {
  for (const io::ReadRange& range : ranges) stage_.observer.reading(stage_.load, range);
  if (stage_.findings.first()) return false;  // the range may be nobody's memory
  const bool cached = stage_.choices.chance(stage_.scenario.pace.cached_percent);
  for (const io::ReadRange& range : ranges) {
    if (cached) {
      std::ranges::copy(bytes_of(range), range.destination);
    } else {
      spoil(range);
    }
  }
  return cached;
}

/// In any order; the time between the two parts is inside one of the ranges.
void VirtualSource::start(std::span<const io::ReadRange> asked, io::ReadDone done) {
  for (const io::ReadRange& range : asked) stage_.observer.reading(stage_.load, range);
  if (stage_.findings.first()) return;
  std::vector<io::ReadRange> ranges(asked.begin(), asked.end());
  for (std::size_t i = ranges.size(); i > 1; --i) {
    std::swap(ranges[i - 1], ranges[stage_.choices.below(i)]);
  }
  const bool fails = stage_.scenario.faults.read == reads_++;
  const std::size_t cut = stage_.choices.below(ranges.size());
  const std::uint64_t half = stage_.choices.below(ranges[cut].bytes + 1);
  const std::uint64_t first_part = stage_.delay(stage_.scenario.pace.read_ns);
  stage_.clock.after(first_part, [this, ranges = std::move(ranges), cut, half, fails,
                                  done = std::move(done)]() mutable {
    for (std::size_t i = 0; i < cut; ++i) fill(ranges[i]);
    spoil_padding(ranges[cut]);
    std::ranges::copy(bytes_of(ranges[cut]).first(half), ranges[cut].destination);
    stage_.clock.after(stage_.delay(stage_.scenario.pace.read_ns),
                       [this, ranges = std::move(ranges), cut, half, fails,
                        done = std::move(done)] { end(ranges, cut, half, fails, done); });
  });
}

void VirtualSource::end(std::span<const io::ReadRange> ranges, std::size_t cut, std::uint64_t half,
                        bool fails, const io::ReadDone& done) {
  if (fails) {
    for (const io::ReadRange& range : ranges) spoil(range);
    done(fail(stage_.inject(ErrorCode::read_failed, "the file ends early")));
    return;
  }
  std::ranges::copy(bytes_of(ranges[cut]).subspan(half), ranges[cut].destination + half);
  for (std::size_t i = cut + 1; i < ranges.size(); ++i) fill(ranges[i]);
  done({});
}

void VirtualSource::fill(const io::ReadRange& range) const {
  spoil_padding(range);
  std::ranges::copy(bytes_of(range), range.destination);
}

std::uint64_t VirtualSource::buffer_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const plan::DeviceLine& line : stage_.scenario.plan->devices) bytes += line.buffer_bytes;
  return bytes;
}

}  // namespace plimsoll::simulation
