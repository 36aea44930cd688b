#include "api/source.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "gguf/hub_catalogue.hpp"
#include "gguf/hub_config.hpp"
#include "gguf/names.hpp"
#include "io/checkpoint.hpp"

namespace plimsoll {
namespace {

/// The GGUF file that the path means; nothing if it is another checkpoint, or none.
Expected<std::optional<std::string>> gguf_file(const std::string& path, bool is_directory) {
  if (is_directory) return io::find_gguf_in(path);
  if (path.ends_with(".gguf")) return std::optional(path);
  return std::optional<std::string>();
}

Expected<Source> open_safetensors(const std::string& path) {
  Source source;
  auto catalogue = io::open_checkpoint(path);
  if (!catalogue) return fail(catalogue.error());
  source.catalogue = std::move(*catalogue);
  auto facts = config::read_hf_config(source.catalogue.directory);
  if (!facts) return fail(facts.error());
  source.facts = std::move(*facts);
  return source;
}

/// Gives a GGUF model the names and the config.json of a published checkpoint.
Expected<void> take_hub_form(Source& source, const std::string& file,
                             std::optional<Dtype> model_dtype) {
  const auto tables = gguf::shipped_name_tables();
  if (!tables) return fail(tables.error());
  const auto family = gguf::family_of(*tables, source.gguf->metadata, file);
  if (!family) return fail(family.error());
  auto hub = gguf::hub_catalogue(*source.gguf, **family);
  if (!hub) return fail(hub.error());
  source.catalogue = std::move(hub->catalogue);
  source.unexpected = std::move(hub->unexpected);
  source.joins = std::move(hub->joins);
  auto config = gguf::hub_config(*source.gguf, **family, model_dtype);
  if (!config) return fail(config.error());
  source.config_json = std::move(config->config);
  source.generation_config_json = std::move(config->generation_config);
  for (const std::string& member : config->not_told) {
    source.notes.push_back("config.json may need " + member + ", which " + file + " does not tell");
  }
  auto facts = config::parse_hf_config(source.config_json, file);
  if (!facts) return fail(facts.error());
  source.facts = std::move(*facts);
  return {};
}

Expected<Source> open_gguf(const std::string& file, bool own_names,
                           std::optional<Dtype> model_dtype) {
  Source source;
  auto opened = io::open_gguf_checkpoint(file);
  if (!opened) return fail(opened.error());
  source.gguf = std::move(*opened);
  if (own_names) {
    source.catalogue = gguf::gguf_catalogue(*source.gguf);
  } else if (auto taken = take_hub_form(source, file, model_dtype); !taken) {
    return fail(taken.error());
  }
  return source;
}

}  // namespace

Expected<Source> open_source(const std::string& path, bool own_names,
                             std::optional<Dtype> model_dtype) {
  std::error_code unknown;
  const bool is_directory = std::filesystem::is_directory(path, unknown);
  const auto file = gguf_file(path, is_directory);
  if (!file) return fail(file.error());
  auto source = *file ? open_gguf(**file, own_names, model_dtype) : open_safetensors(path);
  if (source) source->is_directory = is_directory;
  return source;
}

}  // namespace plimsoll
