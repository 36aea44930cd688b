#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "io/gguf_checkpoint.hpp"
#include "io/name_index.hpp"

namespace plimsoll::gguf {

/// A value of metadata as JSON. Arrays of one element are that element, as the transformers library
/// reads them; numbers keep their value exactly.
[[nodiscard]] nlohmann::json json_of(const io::GgufValue& value);

/// What config.json may follow from: metadata below the architecture's name, and tensors. The
/// checkpoint must outlive it.
class HubFacts {
 public:
  explicit HubFacts(const io::GgufCheckpoint& checkpoint);

  /// The value of a key below the architecture's name; null if there is none. A key that begins
  /// with "tokenizer." stands outside of it.
  [[nodiscard]] const io::GgufValue* value(std::string_view key) const;

  /// That value as a single number, if it is one.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key) const;
  [[nodiscard]] std::optional<double> real(std::string_view key) const;

  [[nodiscard]] const std::string& architecture() const noexcept { return architecture_; }

  [[nodiscard]] bool has(std::string_view tensor) const noexcept;

  /// One of a tensor's sizes, outermost first; nothing if there is no such tensor or size.
  [[nodiscard]] std::optional<std::uint64_t> size(std::string_view tensor,
                                                  std::size_t axis) const noexcept;

  /// Whether any tensor's name has `text` in it.
  [[nodiscard]] bool any_has(std::string_view text) const noexcept;

 private:
  const io::GgufCheckpoint& checkpoint_;
  std::string architecture_;
  io::NameIndex tensors_;
};

/// Adds to `config` what one family's members follow from besides single keys. `config` has those
/// already.
void add_family_facts(std::string_view family, const HubFacts& facts, nlohmann::json& config);

}  // namespace plimsoll::gguf
