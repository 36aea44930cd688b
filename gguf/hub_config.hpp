#pragma once

#include <optional>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "gguf/names_file.hpp"
#include "io/gguf_checkpoint.hpp"
#include "plimsoll/dtype.hpp"

namespace plimsoll::gguf {

/// The files that stand beside a Hugging Face checkpoint's weights, as far as a GGUF file tells
/// what is in them.
struct HubConfig {
  std::string config;             ///< text of config.json
  std::string generation_config;  ///< text of generation_config.json; empty: nothing is told
  /// Members of config.json that the model may need and a GGUF file does not tell, or only in
  /// tensors. The defaults of the model's class hold for them.
  std::vector<std::string> not_told;
};

/// What the metadata of a checkpoint, and which tensors it has with which shapes, say in the words
/// of config.json. The members are those that the transformers library 5.23 derives from the same
/// file, with its values (load_gguf_checkpoint in modeling_gguf_pytorch_utils.py, get_gguf_config
/// in integrations/gguf), and more where that library would fall back on a default that is not the
/// model's: sizes of experts and heads, biases, scaling of rotary embeddings. `architectures` is
/// the family's class; `dtype`, if there is one, becomes torch_dtype. Ids of special tokens stand
/// in both files; no tokenizer is made of the metadata.
///
/// Keys that the metadata lack are left out. Errors: malformed where a number that others follow
/// from is none. Cost: linear in the tensors; memory in proportion to the metadata.
[[nodiscard]] Expected<HubConfig> hub_config(const io::GgufCheckpoint& checkpoint,
                                             const Family& family, std::optional<Dtype> dtype);

}  // namespace plimsoll::gguf
