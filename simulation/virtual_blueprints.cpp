#include "simulation/virtual_blueprints.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "plan/source_view.hpp"
#include "views/operations.hpp"

namespace plimsoll::simulation {
namespace {

using views::View;

/// Random operations on a view. One that its sizes do not allow is passed over. Whole rows: the
/// numbers of the last dimension stay side by side, as blocks of GGUF ask for.
class Variation {
 public:
  Variation(Choices& choices, View view, bool whole_rows)
      : choices_(choices), view_(std::move(view)), whole_rows_(whole_rows) {}

  [[nodiscard]] View made(std::uint64_t steps) {
    for (; steps > 0; --steps) {
      if (auto next = step()) view_ = *std::move(next);
    }
    return std::move(view_);
  }

 private:
  [[nodiscard]] Expected<View> step() {
    if (dimensions() == 0) return views::unsqueeze(view_, 0);
    switch (choices_.below(8)) {
      case 0:
      case 1:
        return views::transpose(view_, dimension(), dimension());
      case 2:
        return views::interleave(view_, dimension(), direction());
      case 3:
        return views::permute_for_rope(view_, choices_.between(1, 3), direction());
      case 4:
        return slice();
      case 5:
        return chunk();
      case 6:
        return swap_halves();
      default:
        return regroup();
    }
  }

  /// Those that may be changed.
  [[nodiscard]] std::size_t dimensions() const {
    const std::size_t rank = view_.shape().size();
    return rank - (whole_rows_ && rank > 0 ? 1 : 0);
  }

  [[nodiscard]] std::size_t dimension() { return choices_.below(dimensions()); }

  [[nodiscard]] views::Direction direction() {
    return choices_.chance(50) ? views::Direction::forward : views::Direction::inverse;
  }

  /// Seldom of nothing.
  [[nodiscard]] Expected<View> slice() {
    const std::size_t at = dimension();
    const std::uint64_t size = view_.shape()[at];
    const std::uint64_t begin = choices_.below(size + 1);
    return views::slice(view_, at, begin, choices_.between(begin, size));
  }

  [[nodiscard]] Expected<View> chunk() {
    const std::size_t at = dimension();
    const std::uint64_t parts = choices_.between(2, 4);
    auto chunks = views::chunk(view_, at, parts);
    if (!chunks) return fail(chunks.error());
    return (*chunks)[choices_.below(parts)];
  }

  [[nodiscard]] Expected<View> swap_halves() {
    const std::size_t at = dimension();
    const std::uint64_t size = view_.shape()[at];
    const std::uint64_t cut = choices_.below(size + 1);
    const std::uint64_t sizes[] = {cut, size - cut};
    auto parts = views::split(view_, at, sizes);
    if (!parts) return fail(parts.error());
    std::swap((*parts)[0], (*parts)[1]);
    return views::concatenate(*parts, at);
  }

  /// Two neighbouring dimensions become one, or one becomes two.
  [[nodiscard]] Expected<View> regroup() {
    io::Shape shape = view_.shape();
    const std::size_t at = dimension();
    const auto place = shape.begin() + static_cast<std::ptrdiff_t>(at);
    if (at + 1 < shape.size() && choices_.chance(50)) {
      place[1] *= place[0];
      shape.erase(place);
    } else if (const std::uint64_t part = choices_.between(1, 4); *place % part == 0) {
      *place /= part;
      shape.insert(place, part);
    }
    return views::reshape(view_, std::move(shape));
  }

  Choices& choices_;
  View view_;
  bool whole_rows_;
};

/// Makes the blueprints of one checkpoint.
class Rules {
 public:
  Rules(Choices& choices, const VirtualFiles& files)
      : choices_(choices), files_(files), used_(files.catalogue.tensors.size(), false) {}

  [[nodiscard]] plan::Blueprints apply() {
    for (const Experts& experts : files_.experts) merge(experts);
    for (std::uint32_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) take(i);
    }
    if (choices_.chance(50)) shuffle();
    made_.scales = files_.scales;
    return std::move(made_);
  }

 private:
  [[nodiscard]] const io::TensorEntry& entry(std::uint32_t tensor) const {
    return files_.catalogue.tensors[tensor];
  }

  [[nodiscard]] View whole(std::uint32_t tensor) const {
    return plan::source_view(files_.catalogue, tensor).value();
  }

  /// Of the other byte order, integers cannot even be decoded and arranged.
  [[nodiscard]] bool stays_as_it_is(std::uint32_t tensor) const {
    return bits_of(entry(tensor).dtype) < 8 ||
           (entry(tensor).swapped && !is_floating_point(entry(tensor).dtype));
  }

  void add(std::string name, std::uint32_t first_source, View view) {
    made_.tensors.push_back(
        {std::move(name), entry(first_source).dtype, std::move(view), std::nullopt, std::nullopt});
  }

  /// Sometimes only with the operations of no rule.
  [[nodiscard]] View vary(View view, unsigned percent) {
    if (!choices_.chance(percent)) return view;
    bool whole_rows = false;
    for (std::size_t i = 0; i < view.box_count(); ++i) {
      whole_rows = whole_rows || entry(view.source(i)).blocks;
    }
    return Variation(choices_, std::move(view), whole_rows).made(choices_.between(1, 3));
  }

  void merge(const Experts& experts) {
    if (choices_.chance(10)) return;
    if (experts.gate.merged) {
      for (const ExpertWeight* weight : {&experts.gate, &experts.up, &experts.down}) part(*weight);
      return;
    }
    if (choices_.chance(30)) {
      stack(experts.gate.name, {&experts.gate});
      stack(experts.up.name, {&experts.up});
    } else {
      const std::string name = experts.gate.name;
      stack(name.substr(0, name.find("gate_proj")) + "gate_up_proj", {&experts.gate, &experts.up});
    }
    stack(experts.down.name, {&experts.down});
  }

  /// The weights' tensors side by side, expert after expert, and their scales in the same way.
  void stack(const std::string& name, const std::vector<const ExpertWeight*>& weights) {
    const std::size_t experts = weights[0]->tensors.size();
    std::vector<View> numbers;
    std::vector<View> scales;
    for (std::size_t expert = 0; expert < experts; ++expert) {
      std::vector<View> parts;
      std::vector<View> part_scales;
      for (const ExpertWeight* weight : weights) {
        const std::uint32_t tensor = weight->tensors[expert];
        used_[tensor] = true;
        parts.push_back(whole(tensor));
        if (!files_.scales[tensor]) continue;
        used_[files_.scales[tensor]->tensor] = true;
        part_scales.push_back(whole(files_.scales[tensor]->tensor));
      }
      numbers.push_back(views::concatenate(parts, 0).value());
      if (!part_scales.empty()) scales.push_back(views::concatenate(part_scales, 0).value());
    }
    const std::uint32_t first = weights[0]->tensors[0];
    add(name, first, vary(views::stack(numbers, 0).value(), 50));
    if (scales.empty()) return;
    add(name + "_scale_inv_of_source", files_.scales[first]->tensor,
        views::stack(scales, 0).value());
  }

  /// One tensor an expert.
  void part(const ExpertWeight& weight) {
    const std::uint32_t tensor = weight.tensors[0];
    used_[tensor] = true;
    const auto experts = views::unstack(whole(tensor), 0).value();
    for (std::size_t i = 0; i < experts.size(); ++i) {
      add(weight.name + "." + std::to_string(i), tensor, vary(experts[i], 30));
    }
  }

  /// A tensor that no rule merges. Those of less than a byte an element can only stay whole, too.
  void take(std::uint32_t tensor) {
    View view = whole(tensor);
    if (!stays_as_it_is(tensor)) {
      if (choices_.chance(10) && tensor + 1 < used_.size()) view = join(std::move(view), tensor);
      view = vary(std::move(view), 25);
    }
    add(entry(tensor).name, tensor, std::move(view));
  }

  /// With the next one behind it, where that has the same kind of numbers and fits.
  [[nodiscard]] View join(View view, std::uint32_t tensor) {
    const std::uint32_t next = tensor + 1;
    const bool plain = !files_.scales[tensor] && !files_.scales[next];
    if (used_[next] || !plain || entry(next).dtype != entry(tensor).dtype) return view;
    const std::uint64_t block = std::lcm(block_of(tensor), block_of(next));
    if (stays_as_it_is(next) || view.elements() % block != 0) return view;
    const auto first = views::reshape(view, {view.elements()});
    const auto second = views::reshape(whole(next), {io::element_count(entry(next).shape)});
    if (!first || !second) return view;
    used_[next] = true;
    const View parts[] = {*first, *second};
    return views::concatenate(parts, 0).value();
  }

  [[nodiscard]] std::uint64_t block_of(std::uint32_t tensor) const {
    const auto& blocks = entry(tensor).blocks;
    return blocks ? codecs::ggml::traits_of(*blocks).block_elements : 1;
  }

  void shuffle() {
    std::vector<plan::Blueprint>& tensors = made_.tensors;
    for (std::size_t i = tensors.size(); i > 1; --i) {
      std::swap(tensors[i - 1], tensors[choices_.below(i)]);
    }
  }

  Choices& choices_;
  const VirtualFiles& files_;
  std::vector<bool> used_;
  plan::Blueprints made_;
};

}  // namespace

plan::Blueprints draw_blueprints(Choices& choices, const VirtualFiles& files) {
  if (choices.chance(65)) return Rules(choices, files).apply();
  plan::Blueprints stored = plan::as_stored(files.catalogue);
  stored.scales = files.scales;
  return stored;
}

}  // namespace plimsoll::simulation
