#include "plan/blueprint.hpp"

#include "plan/source_view.hpp"

#include <utility>

#include "views/operations.hpp"

namespace plimsoll::plan {

const TileScales* scales_of(const Blueprints& blueprints, const Blueprint& tensor) {
  if (tensor.view.box_count() == 0) return nullptr;
  const std::uint32_t source = tensor.view.box(0).source;
  if (source >= blueprints.scales.size() || !blueprints.scales[source]) return nullptr;
  return &*blueprints.scales[source];
}

std::string file_of(const io::Catalogue& catalogue, const Blueprint& tensor) {
  if (tensor.view.box_count() == 0) return {};
  return catalogue.files[catalogue.tensors[tensor.view.box(0).source].file].path;
}

Blueprints as_stored(const io::Catalogue& catalogue) {
  Blueprints all;
  all.scales.resize(catalogue.tensors.size());
  all.tensors.reserve(catalogue.tensors.size());
  for (std::uint32_t i = 0; i < catalogue.tensors.size(); ++i) {
    const io::TensorEntry& entry = catalogue.tensors[i];
    // The parser of headers refused shapes that overflow, so a whole tensor is always a view.
    views::View view = source_view(catalogue, i).value();
    all.tensors.push_back({entry.name, entry.dtype, std::move(view), std::nullopt, std::nullopt});
  }
  return all;
}

}  // namespace plimsoll::plan
