#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/hf_config.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/plan.hpp"

namespace plimsoll {

/// A plan with what it was made from: all that is known of a load before it begins.
struct Draft {
  io::Catalogue catalogue;
  bool is_directory = false;              ///< the source is a directory, not a single file
  std::optional<config::HfConfig> facts;  ///< of config.json, if there is one
  std::shared_ptr<const plan::Plan> plan;
  codecs::Format to;                         ///< the format asked for
  std::vector<std::string> left_out;         ///< tensors kept though the format was meant for them
  std::vector<std::string> skipped_modules;  ///< for a quantized checkpoint's config.json
};

/// Reads headers and config.json, decides on formats and draws the plan. Pure beside the reading.
///
/// Errors: those of io::open_checkpoint, config::read_hf_config, plan::assign_formats and
/// plan::make_plan; unsupported for settings that this version does not have and for sources that
/// are quantized already; invalid_argument for patterns that cannot be searched.
[[nodiscard]] Expected<Draft> draw(const std::string& path, const config::Settings& settings,
                                   plan::Sink sink);

}  // namespace plimsoll
