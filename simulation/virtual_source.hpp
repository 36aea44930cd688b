#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/byte_source.hpp"
#include "simulation/load_stage.hpp"

namespace plimsoll::simulation {

/// A byte source over the scenario's files, as unhelpful as the contract of io::ByteSource allows:
/// a refused try_read leaves rubbish behind, a started read fills its ranges in any order and with
/// time between two parts of one, and whatever may be overwritten around a padded range is. A short
/// read cannot be seen through that interface; the fault is the error that a source makes of it.
class VirtualSource final : public io::ByteSource {
 public:
  explicit VirtualSource(LoadStage& stage) : stage_(stage) {}

  [[nodiscard]] bool try_read(std::span<const io::ReadRange> ranges) noexcept override;
  void start(std::span<const io::ReadRange> ranges, io::ReadDone done) override;
  [[nodiscard]] std::uint64_t buffer_bytes() const noexcept override;

 private:
  [[nodiscard]] std::span<const std::byte> bytes_of(const io::ReadRange& range) const;
  void fill(const io::ReadRange& range) const;
  void end(std::span<const io::ReadRange> ranges, std::size_t cut, std::uint64_t half, bool fails,
           const io::ReadDone& done);

  LoadStage& stage_;
  std::uint32_t reads_ = 0;
};

}  // namespace plimsoll::simulation
