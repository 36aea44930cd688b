#include "config/parallel_patterns.hpp"

namespace plimsoll::config {

ParallelPatterns::ParallelPatterns(const std::optional<HfConfig>& facts, Layout layout) {
  if (facts) {
    model_type_ = facts->model_type;
    text_model_type_ = facts->text_model_type;
  }
  const PatternFile file("parallel");
  // No table is called "", and no family's array: families' patterns and general ones apart.
  const auto names = [&](std::string_view kind) {
    return Names{file.patterns("", kind), file.patterns(kind, "")};
  };
  whole_ = names("whole");
  columns_ = names("columns");
  rows_ = names("rows");
  transposed_ = file.patterns("", "transposed");
  if (layout == Layout::hub) stored_transposed_ = file.patterns("", "stored-transposed");
  one_projection_ = file.patterns("", "one-projection");
  gate_and_up_ = file.patterns("gate-and-up", "");
  queries_keys_values_ = file.patterns("queries-keys-values", "");
}

bool ParallelPatterns::in_family(const FamilyPatterns& patterns, std::string_view name) const {
  return patterns.match(name, model_type_) ||
         (!text_model_type_.empty() && patterns.match(name, text_model_type_));
}

SliceKind ParallelPatterns::kind_of(std::string_view name) const {
  if (in_family(whole_.families, name)) return SliceKind::whole;
  if (in_family(columns_.families, name)) return SliceKind::columns;
  if (in_family(rows_.families, name)) return SliceKind::rows;
  if (whole_.general.match(name, {})) return SliceKind::whole;
  if (columns_.general.match(name, {})) return SliceKind::columns;
  if (rows_.general.match(name, {})) return SliceKind::rows;
  return SliceKind::whole;
}

Slice ParallelPatterns::slice(std::string_view name) const {
  Slice slice;
  slice.kind = kind_of(name);
  slice.transposed = in_family(transposed_, name) || in_family(stored_transposed_, name);
  if (in_family(one_projection_, name)) return slice;
  if (gate_and_up_.match(name, {})) slice.packing = Packing::gate_and_up;
  if (queries_keys_values_.match(name, {})) slice.packing = Packing::queries_keys_values;
  return slice;
}

}  // namespace plimsoll::config
