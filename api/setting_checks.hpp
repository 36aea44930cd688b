#pragma once

#include <string>

#include "config/settings.hpp"
#include "errors/expected.hpp"

namespace plimsoll {

/// Whether a result of this name is a GGUF model.
[[nodiscard]] bool is_gguf(const std::string& out);

/// Whether the settings go with the result and with each other, before anything is opened. `out`:
/// the output; empty for loads. Errors: unsupported, invalid_argument, which name `out`.
[[nodiscard]] Expected<void> check_settings(const config::Settings& settings,
                                            const std::string& out);

}  // namespace plimsoll
