#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/hf_config.hpp"
#include "config/settings.hpp"
#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/plan.hpp"
#include "plimsoll/expected_tensor.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll {

/// How a checkpoint's names differ from its model's.
struct NameReport {
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<Mismatch> mismatches;
  std::vector<std::string> unchecked;  ///< what only a list of expected tensors tells
};

/// A plan with what it was made from: all that is known of a load before it begins.
struct Draft {
  io::Catalogue catalogue;
  bool is_directory = false;              ///< the source is a directory, not a single file
  std::optional<config::HfConfig> facts;  ///< of config.json, if there is one
  std::string config_json;                ///< made of a GGUF model's metadata; else empty
  std::string generation_config_json;     ///< likewise
  std::vector<std::string> warnings;      ///< lines for people (log_warnings)
  std::shared_ptr<const plan::Plan> plan;
  NameReport names;
  codecs::Format to;                  ///< the format asked for
  std::vector<std::string> left_out;  ///< tensors kept though the format was meant for them
  codecs::Format quantization;  ///< of a checkpoint as a whole, for its config.json; else keep
  std::vector<std::string> skipped_modules;  ///< for a quantized checkpoint's config.json
};

/// Reads headers, config.json and the expected tensors, finds what the checkpoint becomes, decides
/// on formats and draws the plan. Pure beside the reading. `expected`: the caller's list; empty:
/// that of the setting, if there is one. `out`: the output of the sink checkpoint; a name that ends
/// in .gguf makes a GGUF model.
///
/// Errors: those of io::open_checkpoint, config::read_hf_config, io::read_expected_tensors,
/// plan::assemble, plan::parallel_share, plan::assign_formats and plan::make_plan; of rules
/// directories; unsupported for settings that this version does not have and for sources that are
/// quantized in a way it cannot read; invalid_argument for patterns that cannot be searched;
/// names_differ if they do, and the settings are strict.
[[nodiscard]] Expected<Draft> draw(const std::string& path, const config::Settings& settings,
                                   plan::Sink sink, const std::string& out,
                                   std::span<const ExpectedTensor> expected);

/// Logs its warnings. For when nothing that is known before a load can fail any more: a failure
/// says one thing.
void log_warnings(const Draft& draft);

}  // namespace plimsoll
