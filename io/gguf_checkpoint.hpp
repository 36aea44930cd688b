#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "io/gguf.hpp"

namespace plimsoll::io {

/// Keys by which the parts of a split model say what they are: the part's number from 0 (u16), how
/// many parts there are (u16), and how many tensors all of them have together (i32).
inline constexpr std::string_view split_no_key = "split.no";
inline constexpr std::string_view split_count_key = "split.count";
inline constexpr std::string_view split_tensors_key = "split.tensors.count";

/// The most parts that split.count can tell of.
inline constexpr std::uint32_t max_gguf_parts = 65535;

/// The path of part `number` (from 0) of `count`: "PREFIX-00001-of-00003.gguf".
[[nodiscard]] std::string gguf_part_path(std::string_view prefix, std::uint32_t number,
                                         std::uint32_t count);

/// What the path of one part says; nothing for paths of another form.
struct GgufPartPath {
  std::string prefix;
  std::uint32_t number = 0;  ///< from 0, below count
  std::uint32_t count = 0;
};
[[nodiscard]] std::optional<GgufPartPath> parse_gguf_part_path(std::string_view path);

/// A model in one GGUF file or in the parts of a split one.
struct GgufCheckpoint {
  std::vector<SourceFile> files;  ///< by part
  bool big_endian = false;        ///< all parts alike
  std::uint32_t version = 0;      ///< of the first part, as are the two that follow
  std::uint32_t alignment = default_gguf_alignment;
  GgufMetadata metadata;  ///< the others repeat nothing of it; split.* keys are still there
  std::vector<GgufTensor> tensors;  ///< by part, then by offset; names are unique
};

/// Opens a GGUF file. Where its metadata say that it is a part of several, all parts are opened,
/// with names that follow from `path` by gguf_part_path. Any of them may be given; parts may hold
/// no tensor. Reads headers only; one file is open at a time.
///
/// Errors: those of RegularFile and read_gguf_header; not_found that names a missing part;
/// malformed where a part's name or keys disagree with its place, parts differ in byte order or in
/// split.tensors.count, a tensor stands in two parts, or there are more or fewer tensors than that
/// says.
[[nodiscard]] Expected<GgufCheckpoint> open_gguf_checkpoint(const std::string& path);

/// The GGUF checkpoint that a directory is: the path of its only .gguf file, or of the first part
/// that is there of its only split model. Nothing if it has no .gguf file, or has .safetensors
/// files. Errors: invalid_argument if there are several models (the reason names two); read_failed.
[[nodiscard]] Expected<std::optional<std::string>> find_gguf_in(const std::string& directory);

}  // namespace plimsoll::io
