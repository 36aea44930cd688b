#pragma once

#include <caf/actor.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/file_sink.hpp"
#include "actors/load_run.hpp"
#include "api/draft.hpp"
#include "api/engine_core.hpp"
#include "api/finished_tensor.hpp"
#include "io/byte_source.hpp"
#include "plimsoll/engine.hpp"
#include "plimsoll/load.hpp"

namespace plimsoll {

/// What was asked for.
struct LoadRequest {
  std::string path;
  std::string out;  ///< empty: into memory or to a consumer
  config::Settings settings;
  LoadOptions options;

  [[nodiscard]] plan::Sink sink() const;
};

/// A load from its request to its end: draws the plan, gathers memory, files and sinks, hands them
/// to the actors, and keeps the result. Shared by the public handle and the engine.
struct Load::State : std::enable_shared_from_this<Load::State> {
  State(EngineCore& core, LoadRequest request);
  ~State();

  /// Draws the plan and starts the actors; runs on the engine's own thread, in milliseconds. After
  /// an error the load has ended with it.
  void begin();

  void cancel() noexcept;
  void wait() const noexcept;
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout) const noexcept;
  [[nodiscard]] const Plan& plan() const;
  [[nodiscard]] const Report& report() const;
  [[nodiscard]] Model model() const;
  [[nodiscard]] Progress progress() const noexcept;

  /// The handle is gone: the model, if there is one, belongs to its other copies alone. Without it
  /// the memory would live on until the engine's thread lets go of this object.
  void forget_model() noexcept;

 private:
  [[nodiscard]] Expected<void> try_prepare();
  [[nodiscard]] Expected<void> prepare();
  [[nodiscard]] Expected<void> take_memory(actors::LoadParts& parts) const;
  [[nodiscard]] Expected<void> ask_destinations(actors::LoadParts& parts) const;
  [[nodiscard]] Expected<void> open_sink(actors::LoadParts& parts);
  void count_work();
  void settle(Expected<void> result) noexcept;
  void close_ends() noexcept;
  void let_go() noexcept;
  [[nodiscard]] Expected<void> keep_result(bool well);
  [[nodiscard]] Model make_model();
  void show_progress();
  [[nodiscard]] double seconds() const noexcept;
  void end(std::optional<Error> error);
  void throw_if_failed() const;

  EngineCore& core_;  // the engine waits for the load's end before it goes
  LoadRequest request_;
  std::uint64_t begun_ns_;

  // Made by prepare(); used by the actors until settle().
  Draft draft_;
  std::unique_ptr<trace::Recorder> recorder_;
  std::unique_ptr<io::ByteSource> source_;
  gpu::Memory source_memory_;
  std::unique_ptr<actors::FileSink> files_;
  std::unique_ptr<ConsumerThread> consumer_;
  actors::LoadRunPtr run_;
  std::uint64_t bytes_to_read_ = 0;
  std::uint32_t units_before_ = 0;  // of shards that an interrupted run finished
  double last_shown_ = 0;           // seconds; by the loader alone

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<Plan> plan_;  // drawn
  caf::actor loader_;
  bool cancelled_ = false;
  bool ended_ = false;
  double seconds_ = 0;  // when it had ended
  std::optional<Error> error_;
  Report report_;
  Model model_;
};

}  // namespace plimsoll
