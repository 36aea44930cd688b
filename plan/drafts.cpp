#include "plan/drafts.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <variant>

#include "io/name_index.hpp"
#include "plan/source_view.hpp"

namespace plimsoll::plan {
namespace {

/// How many of the tensors in a list, one after the other, are stacked together and so have one
/// shape; 1 if the first operation does not stack.
std::size_t stacked_together(const rules::Convert* convert, std::size_t tensors) {
  if (!convert || convert->operations.empty()) return 1;
  const rules::Operation& first = convert->operations.front();
  if (std::holds_alternative<rules::MergeModulelist>(first)) return tensors;
  if (std::holds_alternative<rules::ErnieFuseAndSplit>(first)) {
    return (tensors + convert->to.size() - 1) / convert->to.size();
  }
  return 1;
}

}  // namespace

tl::unexpected<Error> fail_at(const io::Catalogue& catalogue, std::uint32_t source, ErrorCode code,
                              std::string reason, std::string tensor) {
  const io::TensorEntry& entry = catalogue.tensors[source];
  return fail(code, std::move(reason), catalogue.files[entry.file].path, std::move(tensor));
}

Expected<Gathered> gather(const io::Catalogue& catalogue, const ScalePairs& pairs,
                          const std::vector<std::vector<std::uint32_t>>& sources,
                          const rules::Convert* convert) {
  const std::uint32_t model = sources.front().front();
  const io::TensorEntry& like = catalogue.tensors[model];
  Gathered out;
  out.dtype = like.dtype;
  out.first = model;
  if (pairs.scales[model]) {
    out.first_scales = pairs.scales[model]->tensor;
    out.scale_dtype = catalogue.tensors[out.first_scales].dtype;
  }
  const auto unlike = [&](std::uint32_t source, std::string what) {
    return fail_at(catalogue, source, ErrorCode::malformed, std::move(what),
                   catalogue.tensors[source].name);
  };
  if (convert && bits_of(like.dtype) < 8) {
    return fail_at(catalogue, model, ErrorCode::unsupported,
                   "numbers of dtype " + std::string(name_of(like.dtype)) +
                       " cannot be put together with others",
                   like.name);
  }
  for (const std::vector<std::uint32_t>& list : sources) {
    std::vector<TiledView>& tensors = out.lists.emplace_back();
    tensors.reserve(list.size());
    const std::size_t together = std::max<std::size_t>(stacked_together(convert, list.size()), 1);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::uint32_t source = list[i];
      const io::TensorEntry& entry = catalogue.tensors[source];
      if (entry.dtype != like.dtype) {
        return unlike(source, "dtype " + std::string(name_of(entry.dtype)) + " where " + like.name +
                                  ", with which it is merged, has " +
                                  std::string(name_of(like.dtype)));
      }
      const io::TensorEntry& first = catalogue.tensors[list[i / together * together]];
      if (entry.shape != first.shape) {
        return unlike(source, "shape " + views::text_of(entry.shape) + " where " + first.name +
                                  ", with which it is merged, has " + views::text_of(first.shape));
      }
      const std::optional<TileScales>& scales = pairs.scales[source];
      if (scales.has_value() != out.scale_dtype.has_value()) {
        return unlike(source, std::string(scales ? "scales" : "no scales") + " where " + like.name +
                                  ", with which it is merged, has " + (scales ? "none" : "some"));
      }
      Expected<views::View> numbers = source_view(catalogue, source);
      if (!numbers) return unlike(source, numbers.error().reason());
      TiledView tensor{std::move(*numbers), std::nullopt, {}};
      if (scales) {
        if (catalogue.tensors[scales->tensor].dtype != *out.scale_dtype) {
          return unlike(scales->tensor, "dtype unlike that of " +
                                            catalogue.tensors[out.first_scales].name +
                                            ", with which it is merged");
        }
        Expected<ScaleGrid> grid = grid_of(catalogue, *scales, entry.shape.size());
        if (!grid) return unlike(scales->tensor, grid.error().reason());
        tensor.grid = std::move(*grid);
        out.first_scales = std::min(out.first_scales, scales->tensor);
      }
      tensors.push_back(std::move(tensor));
      out.first = std::min(out.first, source);
    }
  }
  return out;
}

Expected<void> Drafts::add_stored(std::uint32_t source, std::string name,
                                  std::optional<Dtype> model_dtype, std::string scale_name) {
  const io::TensorEntry& entry = catalogue_.tensors[source];
  Expected<views::View> view = source_view(catalogue_, source);
  if (!view) {
    return fail_at(catalogue_, source, view.error().code(), view.error().reason(), entry.name);
  }
  const std::size_t weight = drafts_.size();
  drafts_.push_back({{std::move(name), entry.dtype, std::move(*view), model_dtype, std::nullopt},
                     source,
                     std::nullopt,
                     {}});
  const std::optional<TileScales>& scales = pairs_.scales[source];
  if (!scales) return {};
  if (Expected<void> done = add_stored(scales->tensor, std::move(scale_name), std::nullopt, {});
      !done) {
    return done;
  }
  drafts_.back().scales_of = weight;
  return {};
}

void Drafts::add_converted(TiledView tensor, std::string name, std::optional<Dtype> model_dtype,
                           const Gathered& from) {
  const std::size_t weight = drafts_.size();
  std::string scale_name = from.scale_dtype ? scale_name_of(name) : std::string();
  drafts_.push_back(
      {{std::move(name), from.dtype, std::move(tensor.numbers), model_dtype, std::nullopt},
       from.first,
       std::nullopt,
       std::move(tensor.lost)});
  if (!tensor.grid) return;
  drafts_.push_back({{std::move(scale_name), *from.scale_dtype, std::move(tensor.grid->scales),
                      std::nullopt, std::nullopt},
                     from.first_scales,
                     weight,
                     {}});
}

Expected<void> Drafts::finish(Assembly& into) {
  std::vector<std::string_view> names;
  names.reserve(drafts_.size());
  for (const Draft& draft : drafts_) names.push_back(draft.tensor.name);
  if (const auto twice = io::NameIndex(std::move(names)).duplicate()) {
    const Draft& draft = drafts_[*twice];
    return fail_at(
        catalogue_, draft.first, ErrorCode::malformed,
        catalogue_.tensors[draft.first].name + " and another tensor both become this one",
        draft.tensor.name);
  }
  std::vector<std::uint32_t> order(drafts_.size());
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return drafts_[a].first < drafts_[b].first;
  });
  std::vector<std::uint32_t> place(drafts_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  into.blueprints.tensors.reserve(drafts_.size());
  for (std::uint32_t from : order) {
    Draft& draft = drafts_[from];
    if (draft.scales_of) draft.tensor.scales_of = place[*draft.scales_of];
    if (!draft.lost.empty()) into.lost_scales.push_back({draft.tensor.name, std::move(draft.lost)});
    into.blueprints.tensors.push_back(std::move(draft.tensor));
  }
  into.blueprints.scales = std::move(pairs_.scales);
  return {};
}

}  // namespace plimsoll::plan
