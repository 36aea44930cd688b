#include "simulation/virtual_checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace plimsoll::simulation {

VirtualCheckpoint::VirtualCheckpoint(LoadStage& stage) : stage_(stage) {
  const LoadScenario& scenario = stage.scenario;
  for (std::size_t i = 0; i < scenario.plan->layout.shards.size(); ++i) {
    const io::ShardFile& file = scenario.plan->layout.shards[i];
    Shard& shard = shards_.emplace_back();
    shard.finished = scenario.finished_shards[i];
    shard.content.resize(file.bytes);
    shard.written = file.header.size();
  }
}

bool VirtualCheckpoint::is_finished(std::uint32_t shard) const noexcept {
  return stage_.scenario.finished_shards[shard];
}

void VirtualCheckpoint::write(std::array<actors::FileWrite, 2> pieces, std::size_t count,
                              actors::JobDone done) {
  for (std::size_t i = 0; i < count; ++i) {
    stage_.observer.writing(stage_.load, pieces[i].bytes);
    Shard& shard = shards_[pieces[i].shard];
    if (shard.closing || shard.finished) stage_.report("writes to a shard that is being finished");
    ++shard.writing;
  }
  const bool fails = stage_.scenario.faults.write == writes_++;
  stage_.clock.after(stage_.delay(stage_.scenario.pace.write_ns), [this, pieces, count, fails,
                                                                   done = std::move(done)] {
    for (std::size_t i = 0; i < count; ++i) {
      --shards_[pieces[i].shard].writing;
      if (!fails) take(pieces[i]);
    }
    done(fails ? std::optional(stage_.inject(ErrorCode::write_failed, "a write fails"))
               : std::nullopt);
  });
}

void VirtualCheckpoint::take(const actors::FileWrite& piece) {
  Shard& shard = shards_[piece.shard];
  for (std::uint64_t row = 0; row < piece.rows; ++row) {
    const std::span<const std::byte> bytes = piece.row_bytes(row);
    const std::uint64_t offset = piece.row_offset(row);
    if (offset > shard.content.size() || bytes.size() > shard.content.size() - offset) {
      stage_.report("writes behind the end of a shard");
      return;
    }
    std::ranges::copy(bytes, shard.content.begin() + static_cast<std::ptrdiff_t>(offset));
    shard.written += bytes.size();
  }
}

/// As the real writer does: the constants of a shard are its own affair.
void VirtualCheckpoint::take_constants(std::uint32_t index) {
  const plan::Plan& plan = *stage_.scenario.plan;
  for (const std::uint32_t tensor : plan.layout.shards[index].tensors) {
    const plan::Component& component = plan.components[tensor];
    if (component.constant == plan::no_constant) continue;
    take({index, component.address,
          std::span(plan.constants).subspan(component.constant, component.bytes)});
  }
}

void VirtualCheckpoint::finish_shard(std::uint32_t index, actors::JobDone done) {
  stage_.observer.working(stage_.load);
  Shard& shard = shards_[index];
  if (shard.closing || shard.finished) stage_.report("finishes a shard twice");
  if (shard.writing > 0) stage_.report("finishes a shard that is still being written");
  shard.closing = true;
  const bool fails = stage_.scenario.faults.shard == finishing_shards_++;
  stage_.clock.after(stage_.delay(stage_.scenario.pace.write_ns),
                     [this, index, fails, done = std::move(done)] {
                       if (fails) {
                         done(stage_.inject(ErrorCode::disk_full, "a shard cannot be finished"));
                         return;
                       }
                       take_constants(index);
                       shards_[index].finished = true;
                       done(std::nullopt);
                     });
}

void VirtualCheckpoint::finish(actors::JobDone done) {
  stage_.observer.working(stage_.load);
  if (std::exchange(finishing_, true)) stage_.report("finishes the checkpoint twice");
  if (!std::ranges::all_of(shards_, &Shard::finished)) {
    stage_.report("finishes the checkpoint before its shards");
  }
  stage_.clock.after(stage_.delay(stage_.scenario.pace.write_ns), [this, done = std::move(done)] {
    if (stage_.scenario.faults.directory) {
      done(stage_.inject(ErrorCode::write_failed, "the directory cannot be completed"));
      return;
    }
    finished_ = true;
    done(std::nullopt);
  });
}

void VirtualCheckpoint::check(const std::vector<Bytes>& expected) {
  if (!finished_) stage_.report("ends well without a finished checkpoint");
  if (expected.size() != shards_.size()) stage_.report("has another number of shards");
  for (std::size_t i = 0; i < std::min(expected.size(), shards_.size()); ++i) {
    const Shard& shard = shards_[i];
    const std::string which = "shard " + std::to_string(i + 1);
    const std::size_t header = stage_.scenario.plan->layout.shards[i].header.size();
    if (stage_.scenario.finished_shards[i]) {
      if (shard.written != header) stage_.report(which + ", finished earlier, was written again");
      continue;
    }
    // Between the tensors of a GGUF file are zeros that nobody writes.
    std::uint64_t bytes = header;
    for (const std::uint32_t tensor : stage_.scenario.plan->layout.shards[i].tensors) {
      bytes += stage_.scenario.plan->components[tensor].bytes;
    }
    if (shard.written != bytes) {
      stage_.report(which + " was written " + std::to_string(shard.written) + " bytes of " +
                    std::to_string(bytes));
    }
    if (!std::ranges::equal(std::span(shard.content).subspan(header), expected[i])) {
      stage_.report(which + " has wrong bytes");
    }
  }
}

}  // namespace plimsoll::simulation
