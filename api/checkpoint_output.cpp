#include "api/checkpoint_output.hpp"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "api/quantization.hpp"
#include "api/setting_checks.hpp"
#include "codecs/torch_dtype.hpp"
#include "config/recipe_text.hpp"
#include "errors/printable.hpp"
#include "io/bnb_config.hpp"
#include "io/fp8_config.hpp"
#include "io/gguf_writer.hpp"
#include "plimsoll/engine.hpp"

namespace plimsoll {
namespace {

/// The dtype of the model's numbers: config.json's, else that of its first quantized weight.
Dtype model_dtype(const Draft& draft) {
  if (draft.facts && draft.facts->dtype) return *draft.facts->dtype;
  for (const plan::OutputTensor& output : draft.plan->outputs) {
    if (codecs::is_quantized(output.format.kind)) return output.dtype;
  }
  return Dtype::bf16;
}

/// The dtype that a model of such numbers computes in.
Dtype compute_dtype(Dtype model) {
  return model == Dtype::f16 || model == Dtype::bf16 ? model : Dtype::f32;
}

Expected<std::string> with_quantization(const Draft& draft, const codecs::Format& format,
                                        const std::string& text, const std::string& file) {
  if (format.kind == codecs::FormatKind::nf4) {
    io::BnbConfig bnb;
    bnb.compute_dtype = codecs::torch_name(compute_dtype(model_dtype(draft)));
    bnb.skipped_modules = draft.skipped_modules;
    return io::with_bnb_config(text, bnb, file);
  }
  io::Fp8Config fp8;
  if (format.kind == codecs::FormatKind::fp8_block) {
    fp8.weight_block_size = {codecs::fp8_tile, codecs::fp8_tile};
    if (format.scale == codecs::Fp8Scale::ue8m0) fp8.scale_fmt = "ue8m0";
  }
  fp8.modules_to_not_convert = draft.skipped_modules;
  return io::with_fp8_config(text, fp8, file);
}

/// The config.json of the source; empty if there is none.
Expected<std::string> source_config(const Draft& draft, const std::string& file) {
  if (!draft.config_json.empty()) return draft.config_json;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::string();
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (stream.bad()) return fail(ErrorCode::read_failed, "could not be read", file);
  return text;
}

Expected<std::string> new_config(const Draft& draft) {
  const std::string file = draft.catalogue.directory + "/config.json";
  auto source = source_config(draft, file);
  if (!source || source->empty()) return source;
  std::string text = std::move(*source);
  if (dequantizes(*draft.plan)) {
    auto plain = io::without_quantization(text, file);
    if (!plain) return plain;
    text = std::move(*plain);
  }
  if (codecs::is_quantized(draft.quantization.kind)) {
    return with_quantization(draft, draft.quantization, text, file);
  }
  if (codecs::is_cast(draft.to.kind)) {
    return io::with_dtype(text, codecs::torch_name(codecs::cast_dtype(draft.to.kind)), file);
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

void append_number(std::string& text, std::uint64_t number) {
  text += std::to_string(number) + ' ';
}

/// What a tensor is made of, place by place: the same names and formats can hold other numbers.
void append_view(std::string& text, const views::View& view) {
  for (const std::uint64_t size : view.shape()) append_number(text, size);
  for (std::size_t i = 0; i < view.box_count(); ++i) {
    const views::StridedBox box = view.box(i);
    for (const std::uint64_t number :
         {std::uint64_t{box.source}, box.source_offset, box.result_offset}) {
      append_number(text, number);
    }
    for (const views::Axis& axis : box.used()) {
      append_number(text, axis.extent);
      append_number(text, axis.result_stride);
      append_number(text, axis.source_stride);
    }
  }
}

/// One line for the formats and sources of all tensors together.
std::string format_line(const plan::Plan& plan) {
  std::string formats;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    const plan::OutputTensor& output = plan.outputs[i];
    formats += output.name + '\t' + config::format_text(output.format) + '\t' +
               std::string(name_of(output.dtype)) + '\t';
    append_view(formats, plan.views[i]);
    formats += '\n';
  }
  const std::uint64_t importance =
      XXH3_64bits(plan.importance.data(), plan.importance.size() * sizeof(float));
  return "formats=" + std::to_string(XXH3_64bits(formats.data(), formats.size())) + ' ' +
         std::to_string(importance) + '\n';
}

io::ExistingOutput existing_output(const config::OutputSettings& settings) {
  if (settings.resume) return io::ExistingOutput::resume;
  return settings.force ? io::ExistingOutput::replace : io::ExistingOutput::refuse;
}

std::string fingerprint(const Draft& draft) {
  return "version=" + std::string(version()) + '\n' + source_lines(draft.catalogue) +
         format_line(*draft.plan);
}

Expected<std::unique_ptr<io::CheckpointWriter>> open_gguf(const Draft& draft,
                                                          const config::Settings& settings,
                                                          const std::string& out) {
  io::GgufWriterOptions options;
  options.directory = std::filesystem::path(out).parent_path().string();
  options.sources = draft.catalogue.files;
  options.fingerprint = fingerprint(draft);
  options.existing = existing_output(settings.output);
  return io::open_gguf_writer(draft.plan->layout, std::move(options));
}

}  // namespace

Expected<std::unique_ptr<io::CheckpointWriter>> open_output(const Draft& draft,
                                                            const config::Settings& settings,
                                                            const std::string& out) {
  if (is_gguf(out)) return open_gguf(draft, settings, out);
  auto config = new_config(draft);
  if (!config) return fail(config.error());
  io::CheckpointWriterOptions options;
  options.directory = out;
  // Beside a single file may lie anything; only a directory is a checkpoint with all its files.
  if (draft.is_directory && draft.config_json.empty()) {
    options.source_directory = draft.catalogue.directory;
  }
  options.sources = draft.catalogue.files;
  options.config_json = std::move(*config);
  options.generation_config_json = draft.generation_config_json;
  options.fingerprint = fingerprint(draft);
  options.existing = existing_output(settings.output);
  return io::CheckpointWriter::open(draft.plan->layout, draft.plan->stored, std::move(options));
}

}  // namespace plimsoll
