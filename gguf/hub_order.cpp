#include "gguf/hub_order.hpp"

#include <utility>

namespace plimsoll::gguf {
namespace {

Expected<std::uint64_t> count_of(const io::GgufMetadata& metadata, const std::string& key,
                                 std::optional<std::uint64_t> layer, const std::string& file) {
  const io::GgufValue* value = metadata.find(key);
  if (!value || !value->is_array()) return metadata.unsigned_of(key, file);
  const auto count = layer ? value->unsigned_at(*layer) : std::nullopt;
  if (count) return *count;
  return fail(ErrorCode::malformed, io::quoted_gguf_key(key) + " has no number for each layer",
              file);
}

/// Rows seen as `outer`, whose sizes change places by `axes`; inner sizes stay.
Ordered rows_seen_as(const io::Shape& stored, io::Shape outer, std::vector<std::uint32_t> axes) {
  io::StoredOrder order{std::move(outer), std::move(axes)};
  for (std::size_t axis = 1; axis < stored.size(); ++axis) {
    order.axes.push_back(static_cast<std::uint32_t>(order.stored.size()));
    order.stored.push_back(stored[axis]);
  }
  return {stored, std::move(order)};
}

tl::unexpected<Error> indivisible(std::uint64_t rows, std::uint64_t heads) {
  return fail(ErrorCode::malformed, std::to_string(rows) + " rows cannot be those of " +
                                        std::to_string(heads) + " heads");
}

Expected<Ordered> in_halves(const io::Shape& stored, std::uint64_t heads) {
  const std::uint64_t rows = stored.empty() ? 1 : stored.front();
  if (heads == 0 || rows % heads != 0 || rows / heads % 2 != 0) return indivisible(rows, heads);
  const std::uint64_t half = rows / heads / 2;
  if (half <= 1) return Ordered{stored, std::nullopt};
  return rows_seen_as(stored, {heads, half, 2}, {0, 2, 1});
}

Expected<Ordered> heads_outermost(const io::Shape& stored, std::uint64_t heads) {
  if (heads == 1) return Ordered{stored, std::nullopt};
  const std::uint64_t rows = stored.empty() ? 1 : stored.front();
  if (heads == 0 || rows % 3 != 0 || rows / 3 % heads != 0) return indivisible(rows, heads);
  return rows_seen_as(stored, {3, heads, rows / 3 / heads}, {1, 0, 2});
}

Expected<Ordered> transposed(const io::Shape& stored) {
  const std::size_t rank = stored.size();
  if (rank < 2) return fail(ErrorCode::malformed, "it should have two sizes or more");
  Ordered made{stored, io::StoredOrder{stored, {}}};
  std::swap(made.shape[rank - 2], made.shape[rank - 1]);
  for (std::uint32_t axis = 0; axis < rank; ++axis) made.order->axes.push_back(axis);
  std::swap(made.order->axes[rank - 2], made.order->axes[rank - 1]);
  return made;
}

Expected<Ordered> reordered(const Operations& operations, const io::Shape& stored,
                            const HeadCounts& heads) {
  const bool keys = operations.heads == HeadKind::key_value;
  const std::uint64_t count = keys ? heads.key_value : heads.query;
  switch (operations.reorder) {
    case Reorder::none:
      break;
    case Reorder::rope_halves:
      return in_halves(stored, count);
    case Reorder::heads_outermost:
      if (keys && count != 1 && count != heads.query) {
        return fail(ErrorCode::unsupported,
                    "queries, keys and values of " + std::to_string(count) +
                        " groups of heads stand in one tensor, whose rows cannot be put in order; "
                        "--layout gguf works");
      }
      return heads_outermost(stored, count);
    case Reorder::transpose:
      return transposed(stored);
  }
  return Ordered{stored, std::nullopt};
}

}  // namespace

Expected<HeadCounts> head_counts(const io::GgufMetadata& metadata,
                                 std::optional<std::uint64_t> layer, const std::string& file) {
  const auto architecture = metadata.string_of("general.architecture", file);
  if (!architecture) return fail(architecture.error());
  const std::string key = std::string(*architecture) + ".attention.head_count";
  const auto query = count_of(metadata, key, layer, file);
  if (!query) return fail(query.error());
  if (!metadata.find(key + "_kv")) return HeadCounts{*query, *query};
  const auto key_value = count_of(metadata, key + "_kv", layer, file);
  if (!key_value) return fail(key_value.error());
  return HeadCounts{*query, *key_value};
}

Expected<Ordered> ordered(const Operations& operations, const io::Shape& stored,
                          const HeadCounts& heads) {
  auto made = reordered(operations, stored, heads);
  if (!made || !operations.unsqueeze) return made;
  const auto [axis, rank] = *operations.unsqueeze;
  if (made->shape.size() + 1 == rank) made->shape.insert(made->shape.begin() + axis, 1);
  return made;
}

}  // namespace plimsoll::gguf
