#include "api/gguf_model.hpp"

namespace plimsoll {
namespace {

GgufModel of_gguf(const Source& source, const io::Catalogue& catalogue) {
  GgufModel model;
  model.blueprints = plan::as_stored(catalogue);
  model.metadata = source.gguf->metadata;
  model.sources.reserve(source.gguf->tensors.size());
  for (const io::GgufTensor& tensor : source.gguf->tensors) {
    model.sources.push_back({tensor.type, tensor.file});
  }
  return model;
}

}  // namespace

Expected<GgufModel> gguf_model(const Source& source, io::Catalogue& catalogue) {
  if (source.gguf) return of_gguf(source, catalogue);
  return fail(ErrorCode::unsupported, "only GGUF models can become GGUF models",
              catalogue.directory);
}

}  // namespace plimsoll
