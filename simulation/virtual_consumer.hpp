#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "actors/sinks.hpp"
#include "simulation/expected_bytes.hpp"
#include "simulation/load_stage.hpp"

namespace plimsoll::simulation {

/// Takes finished tensors, looks at them and gives their buffers back after a while, in any order;
/// may refuse one, or stand still from one on until give_up().
class VirtualConsumer final : public actors::ConsumerSink {
 public:
  /// `expected`: the components of every tensor, by number.
  VirtualConsumer(LoadStage& stage, const std::vector<std::vector<ExpectedComponent>>& expected);

  void deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) override;

  /// It holds tensors that it will not give back by itself.
  [[nodiscard]] bool stands_still() const noexcept { return !kept_.empty(); }

  /// Returns what it holds, soon.
  void give_up();

  /// Reports tensors that never came.
  void check() const;

 private:
  struct Kept {
    std::uint32_t output = 0;
    actors::LeasePtr buffer;
    actors::JobDone done;
  };

  void look_at(std::uint32_t output, const std::byte* buffer);
  void give_back(std::uint32_t output, actors::LeasePtr& buffer);

  LoadStage& stage_;
  const std::vector<std::vector<ExpectedComponent>>& expected_;
  std::vector<bool> delivered_;
  std::uint32_t deliveries_ = 0;
  std::list<Kept> kept_;
};

}  // namespace plimsoll::simulation
