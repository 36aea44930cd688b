#include "actors/loader.hpp"

#include <caf/send.hpp>
#include <utility>

#include "actors/constants.hpp"
#include "actors/handover.hpp"

namespace plimsoll::actors {

using Job = SinkJobEnded::Job;

namespace {

/// Tells `loader` that a job has ended; called from the sink's threads.
JobDone reports_to(caf::actor loader, Job job) {
  return [loader = std::move(loader), job](std::optional<Error> error) {
    caf::anon_send(loader, SinkJobEnded{job, std::move(error)});
  };
}

}  // namespace

Loader::Loader(caf::actor_config& config, LoadRunPtr run, caf::actor governor)
    : caf::event_based_actor(config), run_(std::move(run)), governor_(std::move(governor)) {
  hand_over(run_.get());  // what the caller did to the memory of the load
}

caf::behavior Loader::make_behavior() {
  begin();
  return {
      [this](UnitPlaced& placed) { unit_placed(placed.task); },
      [this](UnitWritten& written) { unit_written(written); },
      [this](const SinkJobEnded& ended) { job_ended(ended); },
      [this](LoadFailed) { send(governor_, CloseLoad{run_->parts().id}); },
      [this](LoadDrained) {
        drained_ = true;
        end_if_settled();
      },
  };
}

void Loader::begin() {
  run_->loader = caf::actor(this);
  place_constants(*run_);
  clear_states(*run_);
  count_units();
  send(governor_, OpenLoad{run_});
}

void Loader::count_units() {
  const plan::Plan& plan = run_->plan();
  for (const plan::OutputTensor& output : plan.outputs) {
    if (!is_finished_already(output)) units_expected_ += output.unit_count;
  }
  if (plan.sink == plan::Sink::consumer) {
    for (const plan::OutputTensor& output : plan.outputs) {
      units_left_.push_back(output.unit_count - output.measuring_units);
    }
  } else if (plan.sink == plan::Sink::checkpoint) {
    units_left_.resize(plan.layout.shards.size(), 0);
    for (const plan::OutputTensor& output : plan.outputs) {
      units_left_[plan.components[output.first_component].shard] +=
          output.unit_count - output.measuring_units;
    }
    for (std::uint32_t shard = 0; shard < units_left_.size(); ++shard) {
      if (units_left_[shard] == 0) finish_shard(shard);
    }
  }
}

/// By an earlier, interrupted run.
bool Loader::is_finished_already(const plan::OutputTensor& output) const {
  const CheckpointSink* const sink = run_->parts().checkpoint;
  return sink != nullptr &&
         sink->is_finished(run_->plan().components[output.first_component].shard);
}

void Loader::unit_placed(UnitTask& task) {
  take_over(task);
  unit_done();
  const plan::Plan& plan = run_->plan();
  if (plan.sink != plan::Sink::consumer || run_->stopped()) return;
  if (plan.units[task.unit].route.measure) return;
  const std::uint32_t output = plan.units[task.unit].output;
  if (--units_left_[output] > 0) return;
  place_constants(plan, plan.outputs[output], task.output->memory());
  ++jobs_;
  run_->parts().consumer->deliver(output, std::move(task.output),
                                  reports_to(caf::actor(this), Job::deliver));
}

void Loader::unit_written(UnitWritten& written) {
  if (written.error) {
    stop(*written.error);
    return;
  }
  unit_done();
  if (run_->stopped()) return;
  const plan::Plan& plan = run_->plan();
  const plan::OutputTensor& output = plan.outputs[plan.units[written.task.unit].output];
  const std::uint32_t shard = plan.components[output.first_component].shard;
  if (--units_left_[shard] == 0) finish_shard(shard);
}

void Loader::unit_done() {
  const std::uint32_t units = ++run_->progress().units_done;
  if (run_->parts().progress) run_->parts().progress(units);
}

void Loader::finish_shard(std::uint32_t shard) {
  CheckpointSink& sink = *run_->parts().checkpoint;
  if (sink.is_finished(shard)) return;
  ++jobs_;
  sink.finish_shard(shard, reports_to(caf::actor(this), Job::finish_shard));
}

void Loader::job_ended(const SinkJobEnded& ended) {
  --jobs_;
  if (ended.error) stop(*ended.error);
  end_if_settled();
}

void Loader::stop(const Error& error) {
  if (run_->fail(error)) send(governor_, CloseLoad{run_->parts().id});
}

void Loader::end_if_settled() {
  if (!drained_ || jobs_ > 0) return;
  if (run_->progress().units_done < units_expected_) {
    // Nothing waits and yet something is missing: an actor must have died with its mailbox.
    run_->fail(Error(ErrorCode::internal, "units were lost on their way"));
  }
  if (run_->parts().checkpoint != nullptr && !run_->stopped() && !finishing_) {
    finishing_ = true;
    ++jobs_;
    run_->parts().checkpoint->finish(reports_to(caf::actor(this), Job::finish));
    return;
  }
  take_over(run_.get());
  const auto error = run_->error();
  run_->parts().ended(error ? Expected<void>(fail(*error)) : Expected<void>());
  quit();
}

/// The run and this actor hold each other.
void Loader::on_exit() {
  run_->loader = nullptr;
  run_.reset();
}

}  // namespace plimsoll::actors
