#pragma once

#include <cstdint>
#include <span>

#include "io/byte_source.hpp"
#include "simulation/load_stage.hpp"

namespace plimsoll::simulation {

/// A byte source over the scenario's files, as unhelpful as the contract of io::ByteSource allows:
/// a refused try_read leaves rubbish behind, a started read fills its range in two parts with time
/// between them, and whatever may be overwritten around a padded range is. A short read cannot be
/// seen through that interface; the fault is the error that a source makes of it.
class VirtualSource final : public io::ByteSource {
 public:
  explicit VirtualSource(LoadStage& stage) : stage_(stage) {}

  [[nodiscard]] bool try_read(std::span<const io::ReadRange> ranges) noexcept override;
  void start(std::span<const io::ReadRange> ranges, io::ReadDone done) override;
  [[nodiscard]] std::uint64_t buffer_bytes() const noexcept override;

 private:
  [[nodiscard]] std::span<const std::byte> bytes_of(const io::ReadRange& range) const;

  LoadStage& stage_;
  std::uint32_t reads_ = 0;
};

}  // namespace plimsoll::simulation
