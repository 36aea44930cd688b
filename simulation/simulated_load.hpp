#pragma once

#include <caf/actor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/crew.hpp"
#include "actors/load_run.hpp"
#include "simulation/expected_bytes.hpp"
#include "simulation/load_stage.hpp"
#include "simulation/props.hpp"
#include "simulation/virtual_checkpoint.hpp"
#include "simulation/virtual_consumer.hpp"

namespace plimsoll::simulation {

/// What all loads of a simulation share.
struct Surroundings {
  const Scenario& scenario;
  VirtualClock& clock;
  trace::Recorder& recorder;
  Observer& observer;
  Findings& findings;
  const std::vector<std::unique_ptr<gpu::Device>>& devices;
  Props& props;
};

/// One load on its way through the engine: begins it as an engine does, and judges its end.
class SimulatedLoad {
 public:
  SimulatedLoad(std::uint32_t id, const LoadScenario& scenario, const Surroundings& surroundings,
                Choices choices);

  /// Allocates memory and begins; where a device refuses the memory that is already the end.
  void start(actors::Crew& crew);

  /// Cancels it, whatever it is doing; no effect after its end.
  void cancel();

  /// Takes the result and lets go of the rest, if it has ended; reports who still holds it. Called
  /// between two steps.
  void settle();

  /// The consumer learns that the load has stopped, if it waits for that.
  void tell_consumer();

  [[nodiscard]] const LoadScenario& scenario() const noexcept { return scenario_; }
  [[nodiscard]] bool started() const noexcept { return started_; }
  [[nodiscard]] bool ended() const noexcept { return result_.has_value(); }
  [[nodiscard]] bool ended_well() const noexcept { return ended() && result_->has_value(); }
  [[nodiscard]] bool consumer_stands_still() const noexcept {
    return consumer_watch_ != nullptr && consumer_watch_->stands_still();
  }

  /// Bytes that it must hold on a device of the engine, no more and no less.
  [[nodiscard]] std::uint64_t bytes_on(std::uint16_t device) const;

  /// When it is settled: reports an end that its faults do not explain, and wrong bytes.
  void check_end();

  /// After a finding the simulation ends itself: asks the load to stop ...
  void abandon();
  /// ... and takes from its actors what they are still waiting for.
  void destroy();

 private:
  [[nodiscard]] Expected<void> allocate(actors::LoadParts& parts);
  void give_destinations(actors::LoadParts& parts);
  void open_sink(actors::LoadParts& parts);
  [[nodiscard]] const std::vector<std::vector<ExpectedComponent>>& expected();
  void end(Expected<void> result);
  void count_progress(std::uint32_t units);
  void check_error(const Error& error);
  void check_counts();
  void check_memory();
  /// What lies there in final memory, for findings.
  [[nodiscard]] std::string tensor_at(std::size_t device, std::uint64_t place) const;
  void check_destinations();

  const LoadScenario& scenario_;
  Surroundings surroundings_;
  LoadStage stage_;
  std::vector<std::vector<ExpectedComponent>> expected_;  // of every tensor, once asked for
  std::unique_ptr<io::ByteSource> source_;
  std::unique_ptr<actors::CheckpointSink> checkpoint_;
  std::unique_ptr<actors::ConsumerSink> consumer_;
  VirtualCheckpoint* checkpoint_watch_ = nullptr;
  VirtualConsumer* consumer_watch_ = nullptr;
  std::vector<Bytes> destinations_;
  actors::LoadRunPtr run_;
  caf::actor loader_;
  bool started_ = false;
  std::uint32_t units_done_ = 0;
  std::optional<Expected<void>> result_;
  bool settled_ = false;
  std::vector<gpu::Memory> final_memory_;
  std::vector<actors::DeviceReach> reach_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace plimsoll::simulation
