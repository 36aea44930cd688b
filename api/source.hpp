#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/hf_config.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "io/gguf_checkpoint.hpp"

namespace plimsoll {

/// A checkpoint that was opened, whatever its container: its tensors and what its config says.
struct Source {
  io::Catalogue catalogue;
  bool is_directory = false;              ///< a directory, not a single file
  std::optional<config::HfConfig> facts;  ///< of config.json, if there is one
  /// Of a GGUF model that becomes a Hugging Face checkpoint: the config.json and (or empty)
  /// generation_config.json made for it, lines about what they lack, what of its tensors has no
  /// place in a checkpoint, and rules that come before all others.
  std::string config_json;
  std::string generation_config_json;
  std::vector<std::string> notes;
  std::vector<std::string> unexpected;
  std::vector<std::string> joins;
  /// Of a GGUF model: its headers.
  std::optional<io::GgufCheckpoint> gguf;
};

/// Opens a safetensors checkpoint or a GGUF model: a file, any part of a split one, or a directory
/// that holds nothing else. A GGUF model's tensors have the names that they would have in a
/// published checkpoint of the Hugging Face hub, or `own_names`. `model_dtype`: what the
/// config.json made for a GGUF model calls the model's dtype.
///
/// Errors: those of io::open_checkpoint, io::open_gguf_checkpoint and config::read_hf_config;
/// unsupported for a GGUF architecture that no name table knows.
[[nodiscard]] Expected<Source> open_source(const std::string& path, bool own_names,
                                           std::optional<Dtype> model_dtype);

}  // namespace plimsoll
