#include "simulation/virtual_source.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

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

void VirtualSource::start(std::span<const io::ReadRange> ranges, io::ReadDone done) {
  const io::ReadRange range = ranges[0];
  stage_.observer.reading(stage_.load, range);
  if (ranges.size() != 1) stage_.report("reads several ranges at once, which no unit has");
  if (stage_.findings.first()) return;
  const bool fails = stage_.scenario.faults.read == reads_++;
  const std::uint64_t half = stage_.choices.below(range.bytes + 1);
  const std::uint64_t first_part = stage_.delay(stage_.scenario.pace.read_ns);
  stage_.clock.after(first_part, [this, range, half, fails, done = std::move(done)]() mutable {
    spoil_padding(range);
    std::ranges::copy(bytes_of(range).first(half), range.destination);
    stage_.clock.after(stage_.delay(stage_.scenario.pace.read_ns),
                       [this, range, half, fails, done = std::move(done)] {
                         if (fails) {
                           spoil(range);
                           done(fail(stage_.inject(ErrorCode::read_failed, "the file ends early")));
                           return;
                         }
                         std::ranges::copy(bytes_of(range).subspan(half), range.destination + half);
                         done({});
                       });
  });
}

std::uint64_t VirtualSource::buffer_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const plan::DeviceLine& line : stage_.scenario.plan->devices) bytes += line.buffer_bytes;
  return bytes;
}

}  // namespace plimsoll::simulation
