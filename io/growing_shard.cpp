#include "io/growing_shard.hpp"

#include <algorithm>
#include <vector>

#include "io/run_identity.hpp"

namespace plimsoll::io {
namespace {

// Small enough that the final sync finds little to do, large enough that the disk gets long writes.
constexpr std::uint64_t writeback_bytes = 8u << 20;
constexpr std::size_t move_bytes = 64u << 10;

/// Moves `bytes` bytes towards the front of the file. Ascending, so that it may overlap itself.
Expected<void> move_down(const OutputFile& file, std::uint64_t from, std::uint64_t to,
                         std::uint64_t bytes) {
  if (from == to) return {};
  std::vector<std::byte> piece(std::min<std::uint64_t>(bytes, move_bytes));
  for (std::uint64_t done = 0; done < bytes; done += piece.size()) {
    piece.resize(std::min<std::uint64_t>(bytes - done, move_bytes));
    auto moved = file.read_back(piece, from + done);
    if (moved) moved = file.write(piece, to + done);
    if (!moved) return moved;
  }
  return {};
}

}  // namespace

Expected<const OutputFile*> GrowingShard::open() {
  const std::lock_guard lock(opening_);
  if (!output_.is_open()) {
    auto file = directory_->grow(file_->name);
    if (!file) return fail(file.error());
    output_ = std::move(*file);
  }
  return &output_;
}

Expected<void> GrowingShard::reserve() const {
  const auto file = directory_->grow(file_->name);
  if (!file) return fail(file.error());
  return file->reserve(file_->bytes);
}

Expected<void> GrowingShard::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (offset < file_->header.size() || offset > file_->bytes ||
      bytes.size() > file_->bytes - offset) {
    return fail(ErrorCode::internal, "a write outside of the shard's data",
                directory_->path_of(file_->name));
  }
  const auto file = open();
  if (!file) return fail(file.error());
  if (auto written = (*file)->write(bytes, offset); !written) return written;
  written_ += bytes.size();
  if ((unstarted_ += bytes.size()) >= writeback_bytes) {
    unstarted_ = 0;
    (*file)->start_writeback();
  }
  return {};
}

Expected<void> GrowingShard::finish(std::span<const StoredTensor> tensors,
                                    std::span<const StoredPlace> places,
                                    std::span<const std::uint64_t> true_bytes,
                                    const std::string& seal) {
  const auto file = open();
  if (!file) return fail(file.error());
  std::uint64_t end = file_->header.size();
  for (const std::uint32_t t : file_->tensors) {
    auto moved = move_down(**file, places[t].offset, end, true_bytes[t]);
    if (!moved) return moved;
    end += true_bytes[t];
  }
  if (written_ < end - file_->header.size()) {
    return fail(ErrorCode::internal, "the shard is finished before all of its bytes came",
                directory_->path_of(file_->name));
  }
  const std::string header = final_header(*file_, tensors, true_bytes);
  auto done = output_.write(std::as_bytes(std::span(header)), 0);
  if (done) done = output_.resize(end);
  if (done) {
    set_seal(output_.descriptor(), seal);
    done = output_.sync_and_close();
  }
  return done;
}

}  // namespace plimsoll::io
