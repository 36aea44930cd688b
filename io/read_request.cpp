#include "io/read_request.hpp"

namespace plimsoll::io {

std::optional<Error> find_unreadable(std::span<const ReadRange> ranges,
                                     const std::vector<SourceFile>& files) {
  for (const ReadRange& range : ranges) {
    if (range.file >= files.size()) {
      return Error(ErrorCode::internal, "a read names a file that its source does not have");
    }
    const SourceFile& file = files[range.file];
    if (range.offset > file.bytes || range.bytes > file.bytes - range.offset) {
      return Error(ErrorCode::read_failed, "a read reaches behind the end of the file", file.path);
    }
  }
  return std::nullopt;
}

}  // namespace plimsoll::io
