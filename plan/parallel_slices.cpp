#include "plan/parallel_slices.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plimsoll/dtype.hpp"
#include "views/operations.hpp"

namespace plimsoll::plan {
namespace {

using config::Packing;
using config::Slice;
using config::SliceKind;

/// Indices [begin, end) of a dimension.
struct Run {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// What a rank has of a tensor: all of it, some runs of one dimension, or nothing.
struct Part {
  bool kept = true;
  std::size_t dimension = 0;
  std::vector<Run> runs;  ///< none: all of it
};

/// A name with an expert's number in it: "BEFORE.experts.7.AFTER".
struct ExpertName {
  std::string_view before;  ///< up to the number
  std::uint32_t number = 0;
  std::string_view after;
};

std::uint64_t divided_up(std::uint64_t size, std::uint64_t parts) {
  return size / parts + (size % parts != 0 ? 1 : 0);
}

bool is_bias(std::string_view name) {
  return name.ends_with("bias");
}

std::optional<ExpertName> expert_name(std::string_view name) {
  constexpr std::string_view part = "experts.";
  std::size_t at = name.find(part);
  for (; at != std::string_view::npos; at = name.find(part, at + 1)) {
    const std::size_t first = at + part.size();
    std::uint32_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, code] = std::from_chars(name.data() + first, end, number);
    const auto digits = static_cast<std::size_t>(stop - (name.data() + first));
    const bool plain = digits == 1 || (digits > 1 && name[first] != '0');
    if (code == std::errc() && plain && (stop == end || *stop == '.')) {
      return ExpertName{name.substr(0, first), number, name.substr(first + digits)};
    }
  }
  return std::nullopt;
}

/// How many experts there are of each kind of tensor.
class ExpertCounts {
 public:
  void add(const ExpertName& expert) {
    std::uint64_t& most = experts_[std::string(expert.before)];
    most = std::max<std::uint64_t>(most, std::uint64_t{expert.number} + 1);
    ++tensors_[key(expert)];
  }
  [[nodiscard]] std::uint64_t experts(const ExpertName& expert) const {
    return experts_.at(std::string(expert.before));
  }
  /// Names are unique, so that as many tensors as numbers leave no gap.
  [[nodiscard]] bool complete(const ExpertName& expert) const {
    return tensors_.at(key(expert)) == experts(expert);
  }

 private:
  static std::string key(const ExpertName& expert) {
    return std::string(expert.before).append("*").append(expert.after);
  }
  std::unordered_map<std::string, std::uint64_t> experts_;
  std::unordered_map<std::string, std::uint64_t> tensors_;
};

class Division {
 public:
  Division(const Blueprints& all, const ParallelShare& share) : all_(all), share_(share) {}

  /// Decides about every tensor; parts() and part() are for afterwards.
  Expected<void> decide(const SliceTest& test);
  [[nodiscard]] const Part& part(std::size_t tensor) const { return parts_[tensor]; }
  /// The tensor's view narrowed to its part.
  [[nodiscard]] Expected<views::View> narrowed(std::size_t tensor) const;

 private:
  template <class... Texts>
  [[nodiscard]] static tl::unexpected<Error> refuse(const Blueprint& tensor, ErrorCode code,
                                                    const Texts&... texts) {
    std::string reason = "shape " + views::text_of(tensor.view.shape());
    (reason.append(texts), ...);
    return fail(code, std::move(reason), std::string(), tensor.name);
  }
  [[nodiscard]] std::string among_ranks() const {
    return " among " + std::to_string(share_.count) + " ranks";
  }

  [[nodiscard]] Expected<Part> part_of(const Blueprint& tensor, const Slice& slice) const;
  [[nodiscard]] Expected<Part> features(const Blueprint& tensor, const Slice& slice) const;
  [[nodiscard]] Expected<std::uint64_t> projections(const Blueprint& tensor,
                                                    const Slice& slice) const;
  [[nodiscard]] Expected<Part> experts(const Blueprint& tensor) const;
  [[nodiscard]] Expected<Part> scales(const Blueprint& scales, const Blueprint& weight,
                                      const Part& part) const;
  [[nodiscard]] Expected<TileScales> tiles_of(const Blueprint& weight) const;
  [[nodiscard]] Expected<void> check_dtype(const Blueprint& tensor) const;
  [[nodiscard]] const Blueprint* find(const std::string& name) const;

  const Blueprints& all_;
  const ParallelShare& share_;
  mutable std::unordered_map<std::string_view, std::uint32_t> names_;
  ExpertCounts expert_counts_;
  std::vector<Part> parts_;
};

/// Most checkpoints never ask, and an index of all names takes a while.
const Blueprint* Division::find(const std::string& name) const {
  if (names_.empty()) {
    names_.reserve(all_.tensors.size());
    for (std::uint32_t i = 0; i < all_.tensors.size(); ++i) names_.emplace(all_.tensors[i].name, i);
  }
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &all_.tensors[found->second];
}

/// Into how many equal projections the tensor's features are packed.
Expected<std::uint64_t> Division::projections(const Blueprint& tensor, const Slice& slice) const {
  if (slice.packing == Packing::none) return 1;
  if (slice.packing == Packing::gate_and_up) return 2;
  // Grouped queries make keys and values smaller, by a factor that only config.json knows. Three
  // sizes that together are three times the input's are equal.
  const Blueprint* weight = &tensor;
  if (is_bias(tensor.name)) {
    weight = find(tensor.name.substr(0, tensor.name.size() - 4) + "weight");
  }
  const bool equal = weight && weight->view.shape().size() == 2 &&
                     weight->view.shape()[0] % 3 == 0 &&
                     weight->view.shape()[0] / 3 == weight->view.shape()[1];
  if (equal) return 3;
  return refuse(tensor, ErrorCode::unsupported,
                " holds queries, keys and values of sizes that it does not tell, so that it cannot "
                "be divided by columns; it can stay whole");
}

/// Output features, or input features.
Expected<Part> Division::features(const Blueprint& tensor, const Slice& slice) const {
  const io::Shape& shape = tensor.view.shape();
  const bool columns = slice.kind == SliceKind::columns;
  const bool vector = shape.size() == 1 || is_bias(tensor.name);
  if (shape.empty() || tensor.view.elements() == 0 || (vector && !columns)) return Part{};
  if (shape.size() > 3) {
    return refuse(tensor, ErrorCode::unsupported,
                  " is no matrix, nor matrices of experts, so that "
                  "it has neither columns nor rows");
  }
  Part part;
  part.dimension = shape.size() - (vector || columns == slice.transposed ? 1 : 2);
  std::uint64_t parts = 1;
  if (columns) {
    const auto packed = projections(tensor, slice);
    if (!packed) return fail(packed.error());
    parts = *packed;
  }
  const std::uint64_t size = shape[part.dimension];
  if (size % parts != 0) {
    return refuse(tensor, ErrorCode::malformed, " is not ", std::to_string(parts),
                  " projections of equal size");
  }
  const std::uint64_t each = size / parts;
  const std::uint64_t most = divided_up(each, share_.count);
  if (most * (share_.count - 1) >= each) {
    return refuse(tensor, ErrorCode::invalid_argument, ": ", std::to_string(each),
                  columns ? " output features" : " input features", " cannot be divided",
                  among_ranks(), " so that each has some");
  }
  for (std::uint64_t i = 0; i < parts; ++i) {
    const std::uint64_t begin = most * share_.rank;
    part.runs.push_back({i * each + begin, i * each + std::min(begin + most, each)});
  }
  return part;
}

/// Whole experts: as many for each rank, those of a rank one after the other.
Expected<Part> Division::experts(const Blueprint& tensor) const {
  const io::Shape& shape = tensor.view.shape();
  const auto expert = expert_name(tensor.name);
  const bool merged = shape.size() == 3 || (shape.size() == 2 && is_bias(tensor.name));
  if (!expert && !merged) {
    return refuse(tensor, ErrorCode::malformed,
                  " is neither that of merged experts, nor has the name an expert's number");
  }
  const std::uint64_t count = expert ? expert_counts_.experts(*expert) : shape[0];
  if (expert && !expert_counts_.complete(*expert)) {
    return refuse(tensor, ErrorCode::malformed, " is one expert's, but not all of ",
                  std::to_string(count), " experts have such a tensor");
  }
  if (count == 0 || count % share_.count != 0) {
    return refuse(tensor, ErrorCode::invalid_argument, ": ", std::to_string(count),
                  " experts cannot be divided evenly", among_ranks());
  }
  const std::uint64_t each = count / share_.count;
  const Run run{each * share_.rank, each * share_.rank + each};
  if (expert) return Part{run.begin <= expert->number && expert->number < run.end, 0, {}};
  return Part{true, 0, {run}};
}

/// The tiles that the weight's scales are for.
Expected<TileScales> Division::tiles_of(const Blueprint& weight) const {
  std::optional<TileScales> tiles;
  for (std::size_t i = 0; i < weight.view.box_count(); ++i) {
    const std::uint32_t source = weight.view.box(i).source;
    const bool known = source < all_.scales.size() && all_.scales[source].has_value() &&
                       all_.scales[source]->tile_rows != 0 &&
                       all_.scales[source]->tile_columns != 0;
    if (!known) return refuse(weight, ErrorCode::unsupported, ": its scales' tiles are not known");
    const TileScales& own = *all_.scales[source];
    if (!tiles) tiles = own;
    if (tiles->tile_rows != own.tile_rows || tiles->tile_columns != own.tile_columns) {
      return refuse(weight, ErrorCode::unsupported, ": its scales have tiles of several sizes");
    }
  }
  return tiles.value_or(TileScales{0, 1, 1});
}

/// The scales of the weight's part.
Expected<Part> Division::scales(const Blueprint& scales, const Blueprint& weight,
                                const Part& part) const {
  const std::size_t d = part.dimension;
  const io::Shape& shape = scales.view.shape();
  const std::size_t rank = weight.view.shape().size();
  const bool within_matrix = d + 2 >= rank;
  // One number for all that is divided: every part has it.
  if (part.runs.empty() || scales.view.elements() == 1) return Part{part.kept, 0, {}};
  if (within_matrix && (d >= shape.size() || shape[d] == 1)) return Part{};

  const auto tiles = tiles_of(weight);
  if (!tiles) return fail(tiles.error());
  std::uint64_t tile = 1;
  if (d + 2 == rank) tile = tiles->tile_rows;
  if (d + 1 == rank) tile = tiles->tile_columns;
  const std::uint64_t size = weight.view.shape()[d];
  if (d >= shape.size() || shape[d] != divided_up(size, tile)) {
    return refuse(scales, ErrorCode::malformed, " does not fit a weight of shape ",
                  views::text_of(weight.view.shape()));
  }
  Part out{true, d, {}};
  for (const Run& run : part.runs) {
    if (run.begin % tile != 0 || (run.end % tile != 0 && run.end != size)) {
      return refuse(weight, ErrorCode::unsupported, ": indices ", std::to_string(run.begin), " to ",
                    std::to_string(run.end), " of dimension ", std::to_string(d),
                    " cut through a tile of ", std::to_string(tile),
                    " that share a scale, as it is divided", among_ranks());
    }
    out.runs.push_back({run.begin / tile, divided_up(run.end, tile)});
  }
  return out;
}

/// Whether a part of a tensor of this dtype means anything on its own.
Expected<void> Division::check_dtype(const Blueprint& tensor) const {
  if (bits_of(tensor.dtype) < 8) {
    return refuse(tensor, ErrorCode::unsupported, ": ", name_of(tensor.dtype),
                  " has less than a byte an element, and only whole tensors of such can be taken");
  }
  if (bits_of(tensor.dtype) > 8 || !is_floating_point(tensor.dtype)) return {};
  const std::uint32_t source = tensor.view.box(0).source;
  if (source < all_.scales.size() && all_.scales[source]) return {};
  for (const char* suffix : {"_scale_inv", "_scale"}) {
    const Blueprint* scales = find(tensor.name + suffix);
    if (scales && !scales->scales_of && scales->view.elements() > 1) {
      return refuse(tensor, ErrorCode::unsupported, ": ", scales->name,
                    " may be its scales, and nothing tells which part of them goes with a part");
    }
  }
  return {};
}

Expected<Part> Division::part_of(const Blueprint& tensor, const Slice& slice) const {
  if (slice.kind == SliceKind::whole) return Part{};
  auto part = slice.kind == SliceKind::experts ? experts(tensor) : features(tensor, slice);
  if (!part || part->runs.empty()) return part;
  const auto checked = check_dtype(tensor);
  if (!checked) return fail(checked.error());
  return part;
}

Expected<void> Division::decide(const SliceTest& test) {
  const std::vector<Blueprint>& tensors = all_.tensors;
  std::vector<Slice> slices(tensors.size());
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].scales_of) continue;
    const auto slice = test(tensors[i].name, tensors[i].view.shape());
    if (!slice) return fail(slice.error());
    slices[i] = *slice;
    if (slice->kind != SliceKind::experts) continue;
    if (const auto expert = expert_name(tensors[i].name)) expert_counts_.add(*expert);
  }
  parts_.resize(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto part = part_of(tensors[i], slices[i]);
    if (!part) return fail(part.error());
    parts_[i] = std::move(*part);
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].scales_of) continue;
    const std::uint32_t weight = *tensors[i].scales_of;
    if (weight >= tensors.size() || tensors[weight].scales_of) {
      return refuse(tensors[i], ErrorCode::internal, ": scales of no weight");
    }
    auto part = scales(tensors[i], tensors[weight], parts_[weight]);
    if (!part) return fail(part.error());
    parts_[i] = std::move(*part);
  }
  return {};
}

Expected<views::View> Division::narrowed(std::size_t tensor) const {
  const Blueprint& blueprint = all_.tensors[tensor];
  const Part& part = parts_[tensor];
  std::vector<views::View> runs;
  for (const Run& run : part.runs) {
    auto view = views::slice(blueprint.view, part.dimension, run.begin, run.end);
    if (!view) {
      return fail(view.error().code(), view.error().reason(), std::string(), blueprint.name);
    }
    runs.push_back(std::move(*view));
  }
  if (runs.size() == 1) return std::move(runs.front());
  auto joined = views::concatenate(runs, part.dimension);
  if (!joined) {
    return fail(joined.error().code(), joined.error().reason(), std::string(), blueprint.name);
  }
  return joined;
}

}  // namespace

Expected<Blueprints> parallel_share(Blueprints all, const ParallelShare& share,
                                    const SliceTest& test) {
  if (share.rank >= share.count) {
    return fail(ErrorCode::invalid_argument, "there is no rank " + std::to_string(share.rank) +
                                                 " of " + std::to_string(share.count));
  }
  if (share.count == 1) return all;
  Division division(all, share);
  const auto decided = division.decide(test);
  if (!decided) return fail(decided.error());

  // Scales name their weight by its place, which moves where tensors before it are gone.
  std::vector<std::uint32_t> places(all.tensors.size(), 0);
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < all.tensors.size(); ++i) {
    places[i] = kept;
    const Part& part = division.part(i);
    if (!part.kept) continue;
    if (!part.runs.empty()) {
      auto view = division.narrowed(i);
      if (!view) return fail(view.error());
      all.tensors[i].view = std::move(*view);
    }
    if (kept != i) all.tensors[kept] = std::move(all.tensors[i]);
    ++kept;
  }
  all.tensors.erase(all.tensors.begin() + kept, all.tensors.end());
  for (Blueprint& tensor : all.tensors) {
    if (tensor.scales_of) tensor.scales_of = places[*tensor.scales_of];
  }
  return all;
}

}  // namespace plimsoll::plan
