#pragma once

#include <string>

#include "api/draft.hpp"
#include "errors/expected.hpp"
#include "io/checkpoint_writer.hpp"

namespace plimsoll {

/// What the checkpoint writer is told beside the layout: which files come along, the new
/// config.json, and a fingerprint of everything that decides the output's bytes.
/// Errors: of reading and editing config.json.
[[nodiscard]] Expected<io::CheckpointWriterOptions> output_options(const Draft& draft,
                                                                   const config::Settings& settings,
                                                                   const std::string& out);

}  // namespace plimsoll
