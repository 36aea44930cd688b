#include "plan/packed_sources.hpp"

#include <algorithm>
#include <numeric>

#include "codecs/ggml/plain.hpp"

namespace plimsoll::plan {
namespace {

using codecs::ggml::Type;

PackedSource packed_source(const io::TensorEntry& entry) {
  // Integers are only kept, so that any type of their width will do.
  const Type plain = codecs::ggml::plain_type_of(entry.dtype).value_or(Type::i8);
  PackedSource source{{entry.blocks.value_or(plain), entry.swapped, entry.map},
                      packing_of(entry.dtype)};
  if (entry.blocks) {
    const codecs::ggml::Traits& traits = codecs::ggml::traits_of(*entry.blocks);
    source.packing = {traits.block_elements, traits.block_bytes};
  }
  return source;
}

}  // namespace

std::vector<PackedSource> packed_sources(const io::Catalogue& catalogue) {
  std::vector<PackedSource> sources;
  const bool any = std::ranges::any_of(catalogue.tensors, &io::TensorEntry::is_coded);
  if (catalogue.format != io::ContainerFormat::gguf && !any) return sources;
  sources.reserve(catalogue.tensors.size());
  for (const io::TensorEntry& entry : catalogue.tensors) sources.push_back(packed_source(entry));
  return sources;
}

PackedStock packed_stock(const io::Catalogue& catalogue, const std::vector<PackedSource>& packed,
                         const views::View& view) {
  PackedStock stock;
  stock.widest = packed[view.source(0)].packing;
  for (std::size_t i = 0; i < view.box_count(); ++i) {
    const Packing packing = packed[view.source(i)].packing;
    stock.coded = stock.coded || catalogue.tensors[view.source(i)].is_coded();
    stock.bytes += stored_bytes(packing, views::elements_of(view.box(i)));
    stock.block = std::lcm(stock.block, std::uint64_t{packing.elements});
    if (is_wider(packing, stock.widest)) stock.widest = packing;
  }
  return stock;
}

}  // namespace plimsoll::plan
