#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

#include "errors/expected.hpp"
#include "io/output_directory.hpp"
#include "io/output_file.hpp"
#include "io/shard_layout.hpp"

namespace plimsoll::io {

/// One shard's file under its temporary name. Is opened by the first write, so that only shards in
/// progress hold a descriptor. `directory` and `file` must outlive it. Thread-safe but for
/// finish().
class GrowingShard {
 public:
  GrowingShard(const OutputDirectory& directory, const ShardFile& file)
      : directory_(&directory), file_(&file) {}

  /// Makes the file at its greatest length and takes the disk space for it.
  [[nodiscard]] Expected<void> reserve() const;

  /// Writes data at an offset of the file, behind the header.
  [[nodiscard]] Expected<void> write(std::uint64_t offset, std::span<const std::byte> bytes);

  /// Moves bounded tensors together, writes the final header, cuts the file, seals and syncs it.
  /// The name stays. `true_bytes`: one a stored tensor.
  [[nodiscard]] Expected<void> finish(std::span<const StoredTensor> tensors,
                                      std::span<const StoredPlace> places,
                                      std::span<const std::uint64_t> true_bytes,
                                      const std::string& seal);

 private:
  [[nodiscard]] Expected<const OutputFile*> open();

  const OutputDirectory* directory_;
  const ShardFile* file_;
  std::mutex opening_;
  OutputFile output_;
  std::atomic<std::uint64_t> written_ = 0;    ///< data bytes, to notice that some never came
  std::atomic<std::uint64_t> unstarted_ = 0;  ///< bytes since writeback was started last
};

}  // namespace plimsoll::io
