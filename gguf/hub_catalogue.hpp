#pragma once

#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "gguf/names_file.hpp"
#include "io/catalogue.hpp"
#include "io/gguf_checkpoint.hpp"

namespace plimsoll::gguf {

/// A GGUF checkpoint's tensors, as if it were a Hugging Face checkpoint.
struct HubCatalogue {
  io::Catalogue catalogue;
  /// GGUF names that no table names: a checkpoint would need them, or have no place for them.
  std::vector<std::string> unexpected;
  /// GGUF names of what config.json would tell (factors of rotary embeddings and the like).
  std::vector<std::string> left_out;
  /// Rules, in the form of config/rules, that make tensors of a checkpoint of those that are only
  /// parts of one. Whatever the layout, they apply before all others.
  std::vector<std::string> joins;
};

/// The most tensors that a catalogue may come to: experts are tensors of their own, and a few bytes
/// of header can speak of any number of them.
inline constexpr std::size_t max_hub_tensors = std::size_t{1} << 20;

/// The catalogue of a checkpoint under the names, shapes and values that a published Hugging Face
/// checkpoint has: each expert of a stacked tensor is a tensor of its own, with its own bytes;
/// orders and maps undo what the file's writer did to values. `family` is the checkpoint's
/// (family_of). No byte of a weight is read. Source: the transformers library 5.23,
/// modeling_gguf_pytorch_utils.py; llama.cpp b8871, convert_hf_to_gguf.py.
///
/// Errors: malformed where heads do not divide rows, or two tensors come to one name; unsupported
/// where blocks would have to be taken apart, numbers cannot be mapped, or there are more than
/// max_hub_tensors. Cost: linear in the tensors that come out.
[[nodiscard]] Expected<HubCatalogue> hub_catalogue(const io::GgufCheckpoint& checkpoint,
                                                   const Family& family);

/// The catalogue of a checkpoint of any architecture under its own names; shapes are row-major,
/// outermost first, as everywhere.
[[nodiscard]] io::Catalogue gguf_catalogue(const io::GgufCheckpoint& checkpoint);

}  // namespace plimsoll::gguf
