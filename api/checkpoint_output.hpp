#pragma once

#include <memory>
#include <string>

#include "api/draft.hpp"
#include "errors/expected.hpp"
#include "io/checkpoint_writer.hpp"

namespace plimsoll {

/// Opens the writer of a checkpoint, which is told beside the layout which files come along, the
/// new config.json, and a fingerprint of everything that decides the output's bytes; or that of a
/// GGUF model. Errors: of reading and editing config.json; of the writers.
[[nodiscard]] Expected<std::unique_ptr<io::CheckpointWriter>> open_output(
    const Draft& draft, const config::Settings& settings, const std::string& out);

}  // namespace plimsoll
