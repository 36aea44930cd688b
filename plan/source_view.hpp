#pragma once

#include <cstdint>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "views/view.hpp"

namespace plimsoll::plan {

/// A catalogue tensor's numbers in the row-major order of its shape, whatever their order in the
/// file. Errors: those of the operations of views; malformed if the stored order does not fit the
/// shape.
[[nodiscard]] Expected<views::View> source_view(const io::Catalogue& catalogue,
                                                std::uint32_t source);

}  // namespace plimsoll::plan
