#include "plan/conversion.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "plan/model_facts.hpp"

namespace plimsoll::plan {
namespace {

/// Tensors under one name on their way: the source pattern's at first, then the target's.
struct Part {
  std::string name;
  std::vector<TiledView> tensors;
};
using Parts = std::vector<Part>;

std::string numbered(std::string pattern, std::size_t number) {
  const std::string digits = std::to_string(number);
  for (std::size_t at = pattern.find('*'); at != std::string::npos; at = pattern.find('*', at)) {
    pattern.replace(at, 1, digits);
    at += digits.size();
  }
  return pattern;
}

/// Carries out one operation after the other. An operation takes the parts and leaves others.
class Run {
 public:
  Run(const rules::Convert& rule, const ConversionFacts& facts, Parts parts)
      : rule_(rule), facts_(facts), parts_(std::move(parts)) {}

  [[nodiscard]] Parts& parts() { return parts_; }

  Expected<void> operator()(const rules::MergeModulelist& op) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Part& part = parts_[i];
      // Without a number in the pattern there is no list: the tensor is stacked already.
      const bool list = part.name.find('*') != std::string::npos;
      if (part.tensors.size() == 1 && !list) continue;
      if (Expected<void> done = keep(part, stack(std::move(part.tensors), op.dim)); !done) {
        return done;
      }
    }
    return name_result();
  }

  Expected<void> operator()(const rules::SplitModulelist& op) {
    Parts out;
    for (const Part& part : parts_) {
      Expected<std::vector<TiledView>> experts = unstack(part.tensors.front(), op.dim);
      if (!experts) return fail(experts.error());
      const std::string& pattern = parts_.size() == 1 ? rule_.to.front() : part.name;
      for (std::size_t i = 0; i < experts->size(); ++i) {
        out.push_back({numbered(pattern, i), {}});
        out.back().tensors.push_back(std::move((*experts)[i]));
      }
    }
    parts_ = std::move(out);
    return {};
  }

  Expected<void> operator()(const rules::Concatenate& op) {
    std::vector<TiledView> all;
    for (Part& part : parts_) {
      std::move(part.tensors.begin(), part.tensors.end(), std::back_inserter(all));
    }
    parts_.resize(1);
    parts_.front().name = rule_.to.front();
    return keep(parts_.front(), concatenate(std::move(all), op.dim));
  }

  Expected<void> operator()(const rules::Chunk& op) {
    std::vector<std::string> names = rule_.to;
    if (!op.parts.empty()) {
      const Expected<std::uint64_t> count = text_number(facts_.config, op.parts);
      if (!count) return fail(count.error());
      names.clear();
      constexpr std::uint64_t most_parts = 65536;
      if (*count > most_parts) {
        return fail(ErrorCode::malformed, op.parts + " of config.json is too large");
      }
      for (std::uint64_t i = 0; i < *count; ++i) names.push_back(numbered(rule_.to.front(), i));
    }
    return name_pieces(names, chunk(only(), op.dim, names.size()));
  }

  Expected<void> operator()(const rules::Split& op) {
    const io::Shape& shape = only().numbers.shape();
    if (op.dim >= shape.size()) return no_dimension(op.dim);
    std::vector<std::uint64_t> sizes;
    if (facts_.wanted.empty()) {
      Expected<std::vector<std::uint64_t>> rows =
          projection_rows(facts_.config, rule_.to, shape[op.dim]);
      if (!rows) return fail(rows.error());
      sizes = std::move(*rows);
    }
    for (const io::Shape* wanted : facts_.wanted) {
      if (!wanted || op.dim >= wanted->size()) {
        return fail(ErrorCode::malformed, "the model lacks one of the tensors it is cut into");
      }
      sizes.push_back((*wanted)[op.dim]);
    }
    return name_pieces(rule_.to, split(only(), op.dim, sizes));
  }

  Expected<void> operator()(const rules::Transpose& op) {
    const io::Shape& shape = only().numbers.shape();
    bool needed = true;
    if (op.if_shape_differs && !facts_.wanted.empty()) {
      needed = !facts_.wanted.front() || *facts_.wanted.front() != shape;
    } else if (op.if_shape_differs) {
      const Expected<bool> fits = has_expert_shape(facts_.config, rule_.to.front(), shape);
      if (!fits) return fail(fits.error());
      needed = !*fits;
    }
    return replace_only(needed ? transpose(only(), op.dim0, op.dim1) : only());
  }

  Expected<void> operator()(const rules::Interleave& op) {
    return replace_only(interleave(only(), op.dim, direction(op.inverse)));
  }

  Expected<void> operator()(const rules::PermuteForRope& op) {
    for (Part& part : parts_) {
      const auto named = [&](const std::string& word) {
        return part.name.find(word) != std::string::npos;
      };
      if (!op.only.empty() && std::none_of(op.only.begin(), op.only.end(), named)) continue;
      const std::size_t rank = part.tensors.front().numbers.shape().size();
      if (rank != 1 && rank != 2) continue;
      const Expected<std::uint64_t> heads = attention_heads(facts_.config, op.config);
      if (!heads) return fail(heads.error());
      const TiledView& tensor = part.tensors.front();
      if (Expected<void> done = keep(part, permute_for_rope(tensor, *heads, direction(op.inverse)));
          !done) {
        return done;
      }
    }
    return name_result();
  }

  Expected<void> operator()(const rules::ErnieFuseAndSplit& op) {
    const std::size_t targets = rule_.to.size();
    std::vector<std::vector<TiledView>> stacks(targets);
    for (Part& part : parts_) {
      const std::size_t experts = part.tensors.size();
      const std::size_t run = (experts + targets - 1) / targets;
      for (std::size_t t = 0; t < targets; ++t) {
        const auto begin = part.tensors.begin();
        std::vector<TiledView> own(
            std::move_iterator(begin + static_cast<std::ptrdiff_t>(std::min(t * run, experts))),
            std::move_iterator(begin +
                               static_cast<std::ptrdiff_t>(std::min((t + 1) * run, experts))));
        if (own.empty()) {
          return fail(ErrorCode::malformed, std::to_string(experts) + " experts are too few for " +
                                                std::to_string(targets) + " groups");
        }
        Expected<TiledView> stacked = stack(std::move(own), op.stack);
        if (!stacked) return fail(stacked.error());
        stacks[t].push_back(std::move(*stacked));
      }
    }
    Parts out;
    for (std::size_t t = 0; t < targets; ++t) {
      out.push_back({rule_.to[t], {}});
      Expected<TiledView> whole = concatenate(std::move(stacks[t]), op.concatenate);
      if (Expected<void> done = keep(out.back(), std::move(whole)); !done) return done;
    }
    parts_ = std::move(out);
    return {};
  }

  Expected<void> operator()(const rules::ErnieSplitAndDecouple& op) {
    std::vector<std::vector<TiledView>> experts(rule_.to.size());
    for (const Part& part : parts_) {
      auto pieces = chunk(part.tensors.front(), op.concatenate, rule_.to.size());
      if (!pieces) return fail(pieces.error());
      for (std::size_t t = 0; t < pieces->size(); ++t) {
        Expected<std::vector<TiledView>> own = unstack((*pieces)[t], op.stack);
        if (!own) return fail(own.error());
        std::move(own->begin(), own->end(), std::back_inserter(experts[t]));
      }
    }
    Parts out;
    for (std::size_t t = 0; t < experts.size(); ++t) {
      for (std::size_t i = 0; i < experts[t].size(); ++i) {
        out.push_back({numbered(rule_.to[t], i), {}});
        out.back().tensors.push_back(std::move(experts[t][i]));
      }
    }
    parts_ = std::move(out);
    return {};
  }

  Expected<void> operator()(const rules::Conv3dToLinear&) {
    const io::Shape& shape = only().numbers.shape();
    if (shape.size() == 2) return name_result();
    if (shape.size() != 5) {
      return fail(ErrorCode::malformed,
                  "shape " + views::text_of(shape) + " has neither five dimensions nor two");
    }
    return replace_only(reshape(only(), {shape[0], shape[1] * shape[2] * shape[3] * shape[4]}));
  }

  Expected<void> operator()(const rules::LinearToConv3d& op) {
    const io::Shape& shape = only().numbers.shape();
    if (shape.empty()) return no_dimension(0);
    return replace_only(
        reshape(only(), {shape[0], op.in_channels, op.kernel[0], op.kernel[1], op.kernel[2]}));
  }

 private:
  static views::Direction direction(bool inverse) {
    return inverse ? views::Direction::inverse : views::Direction::forward;
  }

  [[nodiscard]] const TiledView& only() const { return parts_.front().tensors.front(); }

  [[nodiscard]] tl::unexpected<Error> no_dimension(std::size_t dimension) const {
    return fail(ErrorCode::malformed, "a tensor of shape " +
                                          views::text_of(only().numbers.shape()) +
                                          " has no dimension " + std::to_string(dimension));
  }

  static Expected<void> keep(Part& part, Expected<TiledView> tensor) {
    if (!tensor) return fail(tensor.error());
    part.tensors.clear();
    part.tensors.push_back(std::move(*tensor));
    return {};
  }

  Expected<void> replace_only(Expected<TiledView> tensor) {
    if (Expected<void> done = keep(parts_.front(), std::move(tensor)); !done) return done;
    return name_result();
  }

  /// A part alone is the one target's, unless there are more targets to come.
  Expected<void> name_result() {
    if (parts_.size() == 1 && rule_.to.size() == 1) parts_.front().name = rule_.to.front();
    return {};
  }

  Expected<void> name_pieces(const std::vector<std::string>& names,
                             Expected<std::vector<TiledView>> pieces) {
    if (!pieces) return fail(pieces.error());
    Parts out;
    for (std::size_t i = 0; i < pieces->size(); ++i) {
      out.push_back({names[i], {}});
      out.back().tensors.push_back(std::move((*pieces)[i]));
    }
    parts_ = std::move(out);
    return {};
  }

  const rules::Convert& rule_;
  const ConversionFacts& facts_;
  Parts parts_;
};

}  // namespace

Expected<std::vector<ConvertedTensor>> convert(const rules::Convert& rule,
                                               std::vector<std::vector<TiledView>> sources,
                                               const ConversionFacts& facts) {
  Parts parts;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].empty()) {
      return fail(ErrorCode::malformed, "there is no tensor that matches " + rule.from[i]);
    }
    parts.push_back({rule.from[i], std::move(sources[i])});
  }
  Run run(rule, facts, std::move(parts));
  for (const rules::Operation& operation : rule.operations) {
    const Expected<void> done = std::visit(run, operation);
    if (done) continue;
    // A dimension that a tensor does not have is the checkpoint's fault here, not a caller's.
    const ErrorCode code = done.error().code() == ErrorCode::invalid_argument ? ErrorCode::malformed
                                                                              : done.error().code();
    return fail(code, rules::text_of(operation) + ": " + done.error().reason());
  }
  std::vector<ConvertedTensor> out;
  out.reserve(run.parts().size());
  for (Part& part : run.parts()) {
    if (part.tensors.size() != 1) {
      return fail(ErrorCode::malformed,
                  std::to_string(part.tensors.size()) + " tensors are left of " + part.name);
    }
    out.push_back({std::move(part.name), std::move(part.tensors.front())});
  }
  return out;
}

}  // namespace plimsoll::plan
