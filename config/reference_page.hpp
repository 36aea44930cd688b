#pragma once

#include <string>

namespace plimsoll::config {

/// The part of docs/configuration.md that lists every setting and every profile, in Markdown, from
/// the schema and the shipped files. A test holds the page to it.
[[nodiscard]] std::string settings_reference();

}  // namespace plimsoll::config
