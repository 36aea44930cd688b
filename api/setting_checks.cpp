#include "api/setting_checks.hpp"

#include <algorithm>
#include <filesystem>

#include "api/gguf_recipe.hpp"
#include "config/recipe_text.hpp"

namespace plimsoll {
namespace {

bool is_of_gguf(const codecs::Format& format) {
  return format.kind == codecs::FormatKind::ftype || format.kind == codecs::FormatKind::ggml;
}

Expected<void> check_gguf(const config::Settings& settings, const std::string& out) {
  const config::RecipeSettings& recipe = settings.recipe;
  if (std::filesystem::path(out).filename() == ".gguf") {
    return fail(ErrorCode::invalid_argument, "the output has no name before its ending", out);
  }
  if (recipe.layout == config::Layout::transformers) {
    return fail(ErrorCode::invalid_argument,
                "a GGUF model has names of its own; the layout transformers does not go with it",
                out);
  }
  if (recipe.parallel) {
    return fail(ErrorCode::unsupported, "a GGUF model is not divided among ranks", out);
  }
  if (!recipe.expect.empty()) {
    return fail(ErrorCode::unsupported,
                "expected tensors are those of a Hugging Face model, and a GGUF model is written",
                out);
  }
  return check_gguf_formats(recipe, out);
}

/// What only GGUF models have must not be passed over without a word.
Expected<void> check_others(const config::Settings& settings, const std::string& out) {
  const config::RecipeSettings& recipe = settings.recipe;
  const auto refuse = [&](const codecs::Format& format) {
    return fail(ErrorCode::unsupported,
                config::format_text(format) +
                    " is a format of GGUF models, which quantize makes where its output ends in "
                    ".gguf",
                out);
  };
  if (recipe.to && is_of_gguf(*recipe.to)) return refuse(*recipe.to);
  for (const config::MatchRule& match : recipe.match) {
    if (is_of_gguf(match.format)) return refuse(match.format);
  }
  const char* const what = !recipe.imatrix.empty()      ? "an importance matrix is"
                           : recipe.pure                ? "an ftype without a mixture (pure) is"
                           : settings.output.keep_split ? "keeping a split is"
                                                        : nullptr;
  if (what == nullptr) return {};
  return fail(
      ErrorCode::unsupported,
      std::string(what) + " for GGUF models, which quantize makes where its output ends in .gguf",
      out);
}

}  // namespace

bool is_gguf(const std::string& out) {
  return out.ends_with(".gguf");
}

Expected<void> check_settings(const config::Settings& settings, const std::string& out) {
  return is_gguf(out) ? check_gguf(settings, out) : check_others(settings, out);
}

}  // namespace plimsoll
