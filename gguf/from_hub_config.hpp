#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "errors/expected.hpp"

namespace plimsoll::gguf {

/// Members of config.json by any of the names that models have for them. The text config of a
/// model with several parts counts as if it were the whole.
class HubMembers {
 public:
  /// malformed, naming config.json, if the text is not one JSON object.
  [[nodiscard]] static Expected<HubMembers> read(std::string_view config);

  /// The first of `names` that is there and not null; null if none is.
  [[nodiscard]] const nlohmann::json* find(std::initializer_list<const char*> names) const;

  /// As whole number, or any number, if it is one.
  [[nodiscard]] std::optional<std::uint64_t> number(std::initializer_list<const char*> names) const;
  [[nodiscard]] std::optional<double> real(std::initializer_list<const char*> names) const;

  [[nodiscard]] bool has(const char* name) const { return find({name}) != nullptr; }

  /// Sets a member that is not there.
  void set_default(const char* name, nlohmann::json value);

  /// architectures[0]; empty if there is none.
  [[nodiscard]] std::string class_name() const;

  /// What turns embeddings, from rope_parameters, or rope_scaling and rope_theta as they were
  /// written before: an object, of which full_attention's is taken where kinds of layers differ.
  [[nodiscard]] nlohmann::json rope() const;

  /// The base frequency of layers with a window, where it differs from that of others.
  [[nodiscard]] std::optional<double> sliding_rope_theta() const;

 private:
  nlohmann::json members_;
};

}  // namespace plimsoll::gguf
