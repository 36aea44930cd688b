#pragma once

#include <memory>
#include <optional>

#include "actors/job_threads.hpp"
#include "actors/sinks.hpp"
#include "io/checkpoint_writer.hpp"
#include "plan/plan.hpp"

namespace plimsoll::actors {

/// The real checkpoint sink: an io::CheckpointWriter whose blocking calls run on threads of its
/// own.
class FileSink final : public CheckpointSink {
 public:
  FileSink(std::unique_ptr<io::CheckpointWriter> writer, std::shared_ptr<const plan::Plan> plan);

  [[nodiscard]] bool is_finished(std::uint32_t shard) const noexcept override;
  void write(std::array<FileWrite, 2> pieces, std::size_t count, JobDone done) override;
  void finish_shard(std::uint32_t shard, JobDone done) override;
  void finish(JobDone done) override;

  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return writer_->bytes_written(); }

 private:
  [[nodiscard]] Expected<void> write_constants(std::uint32_t shard);

  std::unique_ptr<io::CheckpointWriter> writer_;
  std::shared_ptr<const plan::Plan> plan_;
  JobThreads syncing_{1};  // an fsync must not hold up the writes of the next shard
  JobThreads writing_{2};
};

}  // namespace plimsoll::actors
