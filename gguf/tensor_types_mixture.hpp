#pragma once

#include <cstdint>
#include <string_view>

#include "codecs/ggml/ftype.hpp"
#include "codecs/ggml/type.hpp"
#include "errors/expected.hpp"
#include "gguf/tensor_types_model.hpp"
#include "gguf/tensor_types_roles.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::gguf {

using codecs::ggml::Ftype;

/// The mixture of tensor types that is an ftype: which tensors of a model get more bits, or fewer,
/// than most. Source: llama.cpp b8871.
///
/// Some types go by how many tensors of the same role came before. So tensors must be asked for in
/// the order in which the file will have them, each once, and only those that the mixture decides.
class Mixture {
 public:
  /// What holds for the model as a whole.
  struct Model {
    ModelFacts facts;
    std::uint64_t attention_values = 0;  ///< tensors of this role, of all sorts
    bool is_tied = false;                ///< there is no output head but the embeddings
    bool has_importance = false;         ///< there is an importance matrix, whatever it covers
  };

  /// `ftype` is one of block types, not a cast and not `copy`.
  Mixture(Ftype ftype, const Model& model) noexcept;

  /// The type of the next tensor, whatever the length of its rows. Errors: unsupported, for models
  /// with experts, where a feed-forward tensor's name does not tell its layer.
  [[nodiscard]] Expected<codecs::ggml::Type> next(std::string_view name, TensorRole role,
                                                  const io::Shape& shape);

 private:
  [[nodiscard]] codecs::ggml::Type of_output(const io::Shape& shape) const;
  [[nodiscard]] codecs::ggml::Type of_embeddings() const;
  [[nodiscard]] codecs::ggml::Type of_attention_value();
  [[nodiscard]] codecs::ggml::Type of_attention_query() const;
  [[nodiscard]] codecs::ggml::Type of_attention_key() const;
  [[nodiscard]] codecs::ggml::Type of_attention_output() const;
  [[nodiscard]] codecs::ggml::Type of_ffn_down(std::uint64_t layer) const;
  [[nodiscard]] codecs::ggml::Type of_falcon_ffn_down(std::uint64_t layer) const;
  [[nodiscard]] codecs::ggml::Type of_ffn_up(std::uint64_t layer) const;
  [[nodiscard]] codecs::ggml::Type lowest_next(TensorRole role);
  [[nodiscard]] codecs::ggml::Type lowest_attention_output() const;
  [[nodiscard]] codecs::ggml::Type raised() const;
  [[nodiscard]] bool in_first_eighth(std::uint64_t layer) const;
  [[nodiscard]] Expected<std::uint64_t> layer_of(std::string_view name,
                                                 std::uint64_t& counter) const;

  Ftype ftype_;
  codecs::ggml::Type base_;
  Model model_;
  bool is_lowest_;          ///< one of the types of about two bits and less
  bool has_eight_experts_;  ///< Mixtral and its like, which share all but the experts
  std::uint64_t attention_values_seen_ = 0;
  std::uint64_t ffn_down_seen_ = 0;
  std::uint64_t ffn_gate_seen_ = 0;
  std::uint64_t ffn_up_seen_ = 0;
};

}  // namespace plimsoll::gguf
