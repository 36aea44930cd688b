#include "actors/file_sink.hpp"

#include <utility>

namespace plimsoll::actors {
namespace {

std::optional<Error> failure_of(const Expected<void>& result) {
  return result ? std::nullopt : std::optional<Error>(result.error());
}

}  // namespace

FileSink::FileSink(std::unique_ptr<io::CheckpointWriter> writer,
                   std::shared_ptr<const plan::Plan> plan)
    : writer_(std::move(writer)), plan_(std::move(plan)) {}

bool FileSink::is_finished(std::uint32_t shard) const noexcept {
  return writer_->is_finished(shard);
}

void FileSink::write(std::array<FileWrite, 2> pieces, std::size_t count, JobDone done) {
  writing_.add([this, pieces, count, done = std::move(done)] {
    for (std::size_t i = 0; i < count; ++i) {
      for (std::uint64_t row = 0; row < pieces[i].rows; ++row) {
        const auto written =
            writer_->write(pieces[i].shard, pieces[i].row_offset(row), pieces[i].row_bytes(row));
        if (!written) {
          done(written.error());
          return;
        }
      }
    }
    done(std::nullopt);
  });
}

void FileSink::finish_shard(std::uint32_t shard, JobDone done) {
  syncing_.add([this, shard, done = std::move(done)] {
    Expected<void> result = write_constants(shard);
    if (result) result = writer_->finish_shard(shard);
    done(failure_of(result));
  });
}

void FileSink::finish(JobDone done) {
  syncing_.add([this, done = std::move(done)] { done(failure_of(writer_->finish())); });
}

Expected<void> FileSink::write_constants(std::uint32_t shard) {
  for (const std::uint32_t index : plan_->layout.shards[shard].tensors) {
    const plan::Component& component = plan_->components[index];
    if (component.constant == plan::no_constant) continue;
    const auto written = writer_->write(
        shard, component.address,
        {plan_->constants.data() + component.constant, static_cast<std::size_t>(component.bytes)});
    if (!written) return written;
  }
  return {};
}

}  // namespace plimsoll::actors
