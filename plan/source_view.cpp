#include "plan/source_view.hpp"

#include <vector>

#include "views/operations.hpp"

namespace plimsoll::plan {

Expected<views::View> source_view(const io::Catalogue& catalogue, std::uint32_t source) {
  const io::TensorEntry& entry = catalogue.tensors[source];
  if (entry.order == 0) return views::whole(source, entry.shape);
  const io::StoredOrder& order = catalogue.orders[entry.order - 1];
  if (io::element_count(order.stored) != io::element_count(entry.shape)) {
    return fail(ErrorCode::malformed, "its numbers do not fit its shape");
  }
  const auto stored = views::whole(source, order.stored);
  if (!stored) return stored;
  const std::vector<std::size_t> axes(order.axes.begin(), order.axes.end());
  const auto permuted = views::permute(*stored, axes);
  if (!permuted) return permuted;
  return views::reshape(*permuted, entry.shape);
}

}  // namespace plimsoll::plan
