#pragma once

#include <span>
#include <string_view>

namespace plimsoll::config {

/// A TOML file of this folder, built into the program so that nothing is looked for at run time.
struct EmbeddedFile {
  std::string_view name;  ///< without folder and ".toml", for example "low-memory"
  std::string_view text;
};

/// The shipped profiles, config/profiles/*.toml. Static storage.
[[nodiscard]] std::span<const EmbeddedFile> embedded_profiles();

/// The shipped name patterns, config/patterns/*.toml. Static storage.
[[nodiscard]] std::span<const EmbeddedFile> embedded_patterns();

/// The shipped conversion rules, config/rules/*.toml and config/rules/architectures/*.toml; of the
/// latter the name begins with "architectures/". Static storage.
[[nodiscard]] std::span<const EmbeddedFile> embedded_rules();

/// The shipped tables of GGUF's names, config/gguf/*.toml. Static storage.
[[nodiscard]] std::span<const EmbeddedFile> embedded_gguf_names();

}  // namespace plimsoll::config
