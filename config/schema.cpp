#include "config/schema.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "config/nearest.hpp"

namespace plimsoll::config {
namespace {

constexpr std::uint64_t kib = std::uint64_t{1} << 10;
constexpr std::uint64_t tib = std::uint64_t{1} << 40;
constexpr std::uint64_t any_size = std::numeric_limits<std::uint64_t>::max();

template <auto Group, auto Member>
SettingPlace place(Settings& settings) {
  return &(settings.*Group.*Member);
}

constexpr auto settings_table = std::to_array<SettingSchema>({
    {"recipe.to", "--to", "FORMAT[:option=value,...]",
     "Format of every linear weight, or of every floating-point tensor for bf16, f16 and f32; of a "
     "GGUF result its ftype; `plimsoll formats` lists them all",
     place<&Settings::recipe, &RecipeSettings::to>},
    {"recipe.match", "--match", "'REGEX -> FORMAT[:...]'",
     "Gives tensors whose name contains REGEX a format of their own; the first match wins, before "
     "`recipe.to` and skips",
     place<&Settings::recipe, &RecipeSettings::match>},
    {"recipe.skip", "--skip", "REGEX",
     "Leaves out tensors whose name contains REGEX; replaces the default list, and an empty list "
     "skips nothing",
     place<&Settings::recipe, &RecipeSettings::skip>},
    {"recipe.layout", "--layout", "hub|transformers|gguf", "Whose names and shapes the result has",
     place<&Settings::recipe, &RecipeSettings::layout>},
    {"recipe.expect", "--expect", "FILE",
     "Tensors that the model wants: a safetensors file or a JSON list of {name, shape, dtype}",
     place<&Settings::recipe, &RecipeSettings::expect>},
    {"recipe.strict", "--strict", "", "Missing, unexpected and mismatched names are a failure",
     place<&Settings::recipe, &RecipeSettings::strict>},
    {"recipe.rules", "--rules", "DIR",
     "A directory whose *.toml files add rules for model families, or override the shipped ones",
     place<&Settings::recipe, &RecipeSettings::rules>},
    {"recipe.parallel", "--parallel", "RANK/COUNT",
     "Loads only the share of one tensor-parallel rank, counted from 0",
     place<&Settings::recipe, &RecipeSettings::parallel>},
    {"recipe.slice", "--slice", "'REGEX -> columns|rows|experts|whole'",
     "How tensors whose name contains REGEX are divided among ranks; the first match wins, before "
     "the shipped patterns",
     place<&Settings::recipe, &RecipeSettings::slice>},

    {"recipe.imatrix", "--imatrix", "FILE", "Importance matrix for the types of GGUF that use one",
     place<&Settings::recipe, &RecipeSettings::imatrix>},
    {"recipe.pure", "--pure", "", "Gives all tensors of a GGUF model the type of its ftype",
     place<&Settings::recipe, &RecipeSettings::pure>},

    {"plan.slots", "--slots", "N",
     "Credits per device: at most N units are in full precision at a time",
     place<&Settings::plan, &PlanSettings::slots>, 1, 65'536},
    {"plan.unit-bytes", "--unit-bytes", "SIZE",
     "Largest piece that is read, quantized and placed on its own",
     place<&Settings::plan, &PlanSettings::unit_bytes>, 64, tib},
    {"plan.budget", "--budget", "SIZE",
     "Most memory per device; slots, then unit bytes, are lowered to fit",
     place<&Settings::plan, &PlanSettings::budget>, 1, any_size},
    {"plan.merge", "--merge", "WAY",
     "How the parts of a merged tensor come together: one by one (fold), all at once in adjacent "
     "slots (gather), read once for the scales and once more (two-pass), or as the plan finds best "
     "(auto)",
     place<&Settings::plan, &PlanSettings::merge>},

    {"engine.devices", "--devices", "DEVICE,...",
     "Where tensors go: host, host:N (a virtual device in main memory) or cuda:N",
     place<&Settings::engine, &EngineSettings::devices>},
    {"engine.threads", "--threads", "N", "Worker threads; 0 is one for each core",
     place<&Settings::engine, &EngineSettings::threads>, 0, 1'024},

    {"io.source", "--source", "METHOD",
     "How files are read: through the page cache (pread), past it (direct), or as suits the "
     "storage (auto)",
     place<&Settings::io, &IoSettings::source>},
    {"io.threads", "", "N", "Reading threads; 0 leaves it to the method",
     place<&Settings::io, &IoSettings::threads>, 0, 1'024},

    {"output.path", "-o", "OUT", "The directory or .gguf file that is written",
     place<&Settings::output, &OutputSettings::path>},
    {"output.shard-size", "--shard-size", "SIZE", "Most bytes in one file of the output",
     place<&Settings::output, &OutputSettings::shard_size>, kib, any_size},
    {"output.force", "--force", "", "Replaces an output that exists",
     place<&Settings::output, &OutputSettings::force>},
    {"output.resume", "--resume", "", "Continues an interrupted run",
     place<&Settings::output, &OutputSettings::resume>},
    {"output.keep-split", "--keep-split", "", "Writes a split GGUF model in as many files again",
     place<&Settings::output, &OutputSettings::keep_split>},
    {"output.json", "--json", "", "Prints one JSON object in place of text",
     place<&Settings::output, &OutputSettings::json>},

    {"trace.file", "--trace", "FILE", "Records every grant, stage, copy and release there",
     place<&Settings::trace, &TraceSettings::file>},

    {"log.level", "", "LEVEL", "What is worth a line on stderr; -v and -q go up and down",
     place<&Settings::log, &LogSettings::level>},
    {"log.progress", "--no-progress", "", "Shows progress on a terminal",
     place<&Settings::log, &LogSettings::progress>, 0, 0, true},
});

constexpr std::array<std::string_view, 7> groups = {"recipe", "plan",  "engine", "io",
                                                    "output", "trace", "log"};

constexpr std::array<std::string_view, 3> layouts = {"hub", "transformers", "gguf"};
constexpr std::array<std::string_view, 4> merges = {"auto", "fold", "gather", "two-pass"};
constexpr std::array<std::string_view, 3> read_methods = {"auto", "pread", "direct"};
constexpr std::array<std::string_view, 5> log_levels = {"error", "warning", "info", "debug",
                                                        "trace"};

std::string kebab(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::string_view without_dashes(std::string_view option) {
  const std::size_t start = option.find_first_not_of('-');
  return start == std::string_view::npos ? std::string_view() : option.substr(start);
}

}  // namespace

std::string_view SettingSchema::alias() const {
  return without_dashes(option);
}

std::string_view SettingSchema::group() const {
  return name.substr(0, name.find('.'));
}

std::string_view SettingSchema::key() const {
  return name.substr(name.find('.') + 1);
}

std::span<const SettingSchema> schema() {
  return settings_table;
}

std::span<const std::string_view> setting_groups() {
  return groups;
}

std::optional<FoundSetting> find_setting(std::string_view name) {
  const std::string wanted = kebab(without_dashes(name));
  if (wanted.empty()) return std::nullopt;
  for (std::size_t i = 0; i < settings_table.size(); ++i) {
    const SettingSchema& setting = settings_table[i];
    if (wanted == setting.name) return FoundSetting{i, false};
    if (wanted == setting.alias()) return FoundSetting{i, setting.option_negates};
  }
  return std::nullopt;
}

std::string nearest_setting(std::string_view name) {
  const std::string wanted = kebab(without_dashes(name));
  // A key that exists, but in another group, or a group that is missing before a full name.
  const std::string_view last = std::string_view(wanted).substr(wanted.rfind('.') + 1);
  for (const SettingSchema& setting : settings_table) {
    if (last == setting.key() || last == setting.alias())
      return "; did you mean \"" + std::string(setting.name) + "\"?";
  }
  std::vector<std::string_view> names;
  for (const SettingSchema& setting : settings_table) {
    if (wanted.find('.') != std::string::npos) {
      names.push_back(setting.name);
    } else if (setting.alias().size() > 1) {
      names.push_back(setting.alias());
    } else {
      names.push_back(setting.key());
    }
  }
  names.push_back("profile");
  return did_you_mean(wanted, names);
}

std::span<const std::string_view> choices(const Layout*) {
  return layouts;
}
std::span<const std::string_view> choices(const Merge*) {
  return merges;
}
std::span<const std::string_view> choices(const ReadMethod*) {
  return read_methods;
}
std::span<const std::string_view> choices(const LogLevel*) {
  return log_levels;
}

}  // namespace plimsoll::config
