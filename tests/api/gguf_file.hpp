#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "codecs/ggml/type.hpp"
#include "io/gguf_layout.hpp"
#include "io/gguf_metadata.hpp"

/// A GGUF file's tensor with its bytes.
struct GgufFileTensor {
  plimsoll::io::GgufStoredTensor stored;
  std::string bytes;
};

/// Numbers around zero, quantized by the scalar code where the type is one of blocks; they depend
/// on name, type and shape alone.
[[nodiscard]] GgufFileTensor random_gguf_tensor(const std::string& name,
                                                plimsoll::codecs::ggml::Type type,
                                                plimsoll::io::Shape shape);

/// What a model of the architecture "llama" says of itself: heads, layers, sizes.
[[nodiscard]] plimsoll::io::GgufMetadata llama_metadata(std::uint32_t layers, std::uint32_t width,
                                                        std::uint32_t heads);

/// A model of two layers with embeddings, norms and all projections, weights of `type`.
[[nodiscard]] std::vector<GgufFileTensor> small_llama(plimsoll::codecs::ggml::Type type);

/// Writes one file; returns its path.
std::string write_gguf(const std::string& path, const plimsoll::io::GgufMetadata& metadata,
                       const std::vector<GgufFileTensor>& tensors);
