#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "actors/sinks.hpp"
#include "simulation/expected_bytes.hpp"
#include "simulation/load_stage.hpp"

namespace plimsoll::simulation {

/// A checkpoint in memory. Jobs end in any order; bytes are taken when a write ends, not when it is
/// asked for, and late use of a shard is reported.
class VirtualCheckpoint final : public actors::CheckpointSink {
 public:
  explicit VirtualCheckpoint(LoadStage& stage);

  [[nodiscard]] bool is_finished(std::uint32_t shard) const noexcept override;
  void write(std::array<actors::FileWrite, 2> pieces, std::size_t count,
             actors::JobDone done) override;
  void finish_shard(std::uint32_t shard, actors::JobDone done) override;
  void finish(actors::JobDone done) override;

  /// Reports what differs from the expected data sections, and a checkpoint that is not finished.
  void check(const std::vector<Bytes>& expected);

 private:
  struct Shard {
    Bytes content;
    std::uint32_t writing = 0;
    std::uint64_t written = 0;  ///< bytes, the header and twice written ones counted too
    bool closing = false;
    bool finished = false;
  };

  void take(const actors::FileWrite& piece);
  void take_constants(std::uint32_t shard);

  LoadStage& stage_;
  std::vector<Shard> shards_;
  std::uint32_t writes_ = 0;
  std::uint32_t finishing_shards_ = 0;
  bool finishing_ = false;
  bool finished_ = false;
};

}  // namespace plimsoll::simulation
