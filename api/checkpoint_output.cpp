#include "api/checkpoint_output.hpp"

#include <sys/stat.h>
#include <xxhash.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "config/recipe_text.hpp"
#include "errors/printable.hpp"
#include "io/bnb_config.hpp"
#include "plimsoll/engine.hpp"

namespace plimsoll {
namespace {

std::string_view torch_name(Dtype dtype) {
  if (dtype == Dtype::f16) return "float16";
  return dtype == Dtype::bf16 ? "bfloat16" : "float32";
}

/// The dtype the model computes in: config.json's, else that of most of its quantized weights.
Dtype compute_dtype(const Draft& draft) {
  if (draft.facts && draft.facts->dtype) return *draft.facts->dtype;
  for (const plan::OutputTensor& output : draft.plan->outputs) {
    if (codecs::is_quantized(output.format.kind)) return output.dtype;
  }
  return Dtype::bf16;
}

bool quantizes(const Draft& draft) {
  for (const plan::OutputTensor& output : draft.plan->outputs) {
    if (codecs::is_quantized(output.format.kind)) return true;
  }
  return false;
}

Expected<std::string> new_config(const Draft& draft) {
  const std::string file = draft.catalogue.directory + "/config.json";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::string();
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (stream.bad()) return fail(ErrorCode::read_failed, "could not be read", file);
  if (quantizes(draft)) {
    io::BnbConfig bnb;
    bnb.compute_dtype = torch_name(compute_dtype(draft));
    bnb.skipped_modules = draft.skipped_modules;
    return io::with_bnb_config(text, bnb, file);
  }
  if (codecs::is_cast(draft.to.kind)) {
    return io::with_dtype(text, torch_name(codecs::cast_dtype(draft.to.kind)), file);
  }
  return text;
}

/// Names the bytes of the source without reading them: sizes and times of its files. One line a
/// file, `name=value` (see io::RunIdentity). However the caller wrote the path, the line is one.
std::string source_lines(const io::Catalogue& catalogue) {
  std::string lines;
  for (const io::SourceFile& file : catalogue.files) {
    struct stat status {};
    stat(file.path.c_str(), &status);
    std::error_code unknown;
    const std::filesystem::path whole = std::filesystem::canonical(file.path, unknown);
    lines += "source " + printable(unknown ? file.path : whole.string()) + '=' +
             std::to_string(file.bytes) + " bytes of " + std::to_string(status.st_mtim.tv_sec) +
             '.' + std::to_string(status.st_mtim.tv_nsec) + '\n';
  }
  return lines;
}

/// One line for the formats of all tensors together.
std::string format_line(const plan::Plan& plan) {
  std::string formats;
  for (const plan::OutputTensor& output : plan.outputs) {
    formats += output.name + '\t' + config::format_text(output.format) + '\n';
  }
  return "formats=" + std::to_string(XXH3_64bits(formats.data(), formats.size())) + '\n';
}

}  // namespace

Expected<io::CheckpointWriterOptions> output_options(const Draft& draft,
                                                     const config::Settings& settings,
                                                     const std::string& out) {
  auto config = new_config(draft);
  if (!config) return fail(config.error());
  io::CheckpointWriterOptions options;
  options.directory = out;
  // Beside a single file may lie anything; only a directory is a checkpoint with all its files.
  if (draft.is_directory) options.source_directory = draft.catalogue.directory;
  options.sources = draft.catalogue.files;
  options.config_json = std::move(*config);
  options.fingerprint = "version=" + std::string(version()) + '\n' + source_lines(draft.catalogue) +
                        format_line(*draft.plan);
  options.existing = settings.output.resume  ? io::ExistingOutput::resume
                     : settings.output.force ? io::ExistingOutput::replace
                                             : io::ExistingOutput::refuse;
  return options;
}

}  // namespace plimsoll
