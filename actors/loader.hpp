#pragma once

#include <caf/actor_config.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <cstdint>
#include <vector>

#include "actors/load_run.hpp"
#include "actors/messages.hpp"

namespace plimsoll::actors {

/// Sees one load from its first grant to its end.
///
/// Puts the constants in place, opens the load at the governor, counts units home; finishes shards
/// and delivers tensors as they become complete. After the first error (its own, a stage's, the
/// sink's, or a cancel, all told by LoadFailed) it closes the load. When every credit is home and
/// every job of the sink has ended, it calls LoadParts::ended, once, and quits. By then nobody uses
/// the load's memory, source or sinks any more.
class Loader final : public caf::event_based_actor {
 public:
  Loader(caf::actor_config& config, LoadRunPtr run, caf::actor governor);

  [[nodiscard]] caf::behavior make_behavior() override;
  void on_exit() override;
  [[nodiscard]] const char* name() const override { return "loader"; }

 private:
  void begin();
  void count_units();
  [[nodiscard]] bool is_finished_already(const plan::OutputTensor& output) const;
  void unit_placed(UnitTask& task);
  void unit_written(UnitWritten& written);
  void unit_done();
  void finish_shard(std::uint32_t shard);
  void job_ended(const SinkJobEnded& ended);
  void stop(const Error& error);
  void end_if_settled();

  LoadRunPtr run_;
  caf::actor governor_;
  std::vector<std::uint32_t> units_left_;  ///< of each tensor (consumer) or shard (checkpoint)
  std::uint64_t units_expected_ = 0;       ///< without those of shards that were finished before
  std::uint32_t jobs_ = 0;                 ///< of the sink, under way
  bool drained_ = false;
  bool finishing_ = false;
};

}  // namespace plimsoll::actors
