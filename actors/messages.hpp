#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "actors/lease.hpp"
#include "plimsoll/error.hpp"

namespace plimsoll::actors {

class LoadRun;
using LoadRunPtr = std::shared_ptr<LoadRun>;

/// A unit on its way: which one, and what it was granted. Every stage passes it on; dropping it
/// gives everything back.
struct UnitTask {
  LoadRunPtr run;
  std::uint32_t unit = 0;
  std::uint16_t lane = 0;
  LeasePtr work;    ///< the slot, or the read permit of a kept unit
  LeasePtr output;  ///< the output buffer, if the sink has them
};

/// To the governor: begin to grant this load's units.
struct OpenLoad {
  LoadRunPtr run;
};

/// To the governor: grant no more units of the load.
struct CloseLoad {
  std::uint32_t load = 0;
};

/// To the governor, from a lease's end.
struct LeaseReturned {
  Lease::Terms terms;
};

/// To a reader: a read that had to wait for the disk has ended.
struct ReadEnded {
  UnitTask task;
  std::optional<Error> error;
};

/// To the loader: a unit is where it belongs (its `work` is given back already).
struct UnitPlaced {
  UnitTask task;
};

/// To the loader: a unit's pieces are written; an error if that failed.
struct UnitWritten {
  UnitTask task;
  std::optional<Error> error;
};

/// To the loader: the load cannot go on (the run's first error says why).
struct LoadFailed {};

/// To the loader: every unit was granted or forgotten, and every credit is home.
struct LoadDrained {};

/// To the loader: a job of the sink on behalf of the whole load has ended.
struct SinkJobEnded {
  enum class Job : std::uint8_t { deliver, finish_shard, finish } job = Job::finish;
  std::optional<Error> error;
};

/// To every actor of an engine: quit.
struct Stop {};

}  // namespace plimsoll::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::UnitTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::OpenLoad)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::CloseLoad)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::LeaseReturned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::ReadEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::UnitPlaced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::UnitWritten)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::LoadFailed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::LoadDrained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::SinkJobEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(plimsoll::actors::Stop)
