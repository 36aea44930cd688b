#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/name_mapping.hpp"

namespace plimsoll::rules {

/// The numbers of a product's tensors, one list a source pattern, parallel to Product::sources.
using SourceNumbers = std::vector<std::vector<std::optional<std::uint64_t>>>;

/// Whether a conversion has got all it needs: numbered lists count from 0 without a gap and have
/// the same numbers, other patterns have one tensor each. What is wrong is added to `problems`, at
/// most one problem a kind and list. Call it before the product has more than its first target.
void check_sources(const Convert& convert, const Product& product, const SourceNumbers& numbers,
                   std::span<const std::string> names, std::vector<NameProblem>& problems);

}  // namespace plimsoll::rules
