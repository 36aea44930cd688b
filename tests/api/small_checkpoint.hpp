#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plimsoll/dtype.hpp"

/// A tensor that a test puts into a checkpoint.
struct SourceTensor {
  std::string name;
  plimsoll::Dtype dtype = plimsoll::Dtype::f32;
  std::vector<std::uint64_t> shape;
  std::string bytes;

  [[nodiscard]] std::uint64_t elements() const;
};

/// A tensor of finite numbers around zero (of any bytes, if it holds no plain or eight-bit floats)
/// that depend on name and shape alone.
[[nodiscard]] SourceTensor random_tensor(const std::string& name, plimsoll::Dtype dtype,
                                         std::vector<std::uint64_t> shape);

/// One safetensors file; returns its path.
std::string write_weights(const std::string& path, const std::vector<SourceTensor>& tensors);

/// A checkpoint directory, made anew, with config.json and a tokenizer: model.safetensors, or for
/// several shards an index.
void write_checkpoint(const std::string& directory,
                      const std::vector<std::vector<SourceTensor>>& shards);

/// Tensors of every kind that a format can be asked of: floats of all sizes, ranks 0 to 3, odd and
/// zero sizes, all under names that begin with "layers.", and integers under others.
[[nodiscard]] std::vector<SourceTensor> tensors_of_all_kinds();

/// A small language model in two shards: two layers of linear weights and norms, an embedding and
/// an output head, bf16. About 400 KiB.
[[nodiscard]] std::vector<std::vector<SourceTensor>> small_language_model();

/// All files below `directory` with their content.
[[nodiscard]] std::map<std::string, std::string> files_below(const std::string& directory);
