#pragma once

#include <span>
#include <string>
#include <vector>

#include "io/catalogue.hpp"

namespace plimsoll::cli {

/// Files as an index names them: relative to the checkpoint's directory, where they lie below it.
[[nodiscard]] std::vector<std::string> relative_names(const std::string& directory,
                                                      std::span<const io::SourceFile> files);

/// A table of the files and their sizes.
[[nodiscard]] std::string files_text(std::span<const std::string> names,
                                     std::span<const io::SourceFile> files);

}  // namespace plimsoll::cli
