#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/shard_layout.hpp"

namespace plimsoll::io {

/// What tells one run from another: lines of the form `name=value`. Two runs with the same one
/// write the same bytes.
class RunIdentity {
 public:
  /// `fingerprint`: see CheckpointWriterOptions. The layout and the config are added to it.
  RunIdentity(std::string_view fingerprint, const ShardLayout& layout, std::string_view config);

  [[nodiscard]] const std::string& lines() const noexcept { return lines_; }

  /// A hash of the lines, 32 hexadecimal digits.
  [[nodiscard]] std::string seal() const;

  /// The names in which another run's lines differ, for example "source, format", at most four and
  /// the number of the others; empty if the lines are the same.
  [[nodiscard]] std::string difference(std::string_view other_lines) const;

 private:
  std::string lines_;
};

/// The manifest of a run that has not ended.
struct RunManifest {
  /// Old files are still being removed: what stands under a shard's name may be another run's.
  bool clearing = false;
  std::string lines;  ///< of its RunIdentity
};

[[nodiscard]] std::string manifest_text(const RunManifest& manifest);

/// Nothing if `text` is no manifest, or one of another version.
[[nodiscard]] std::optional<RunManifest> parse_manifest(std::string_view text);

/// Writes a seal to an open file's extended attributes. Where the file system has none, nothing
/// happens: a later run then cannot tell whose file it is and writes it anew.
void set_seal(int descriptor, const std::string& seal) noexcept;

/// The seal that a file carries; empty if none.
[[nodiscard]] std::string read_seal(int descriptor);

}  // namespace plimsoll::io
