#include "cli/inspect_totals.hpp"

#include "cli/readable_size.hpp"
#include "cli/text_table.hpp"

namespace plimsoll::cli {

void TypeTotals::Total::add(const Total& other) {
  tensors += other.tensors;
  elements += other.elements;
  bytes += other.bytes;
}

void TypeTotals::add(std::string_view type, const io::Shape& shape, std::uint64_t bytes) {
  by_type_[type].add({1, io::element_count(shape), bytes});
}

std::string TypeTotals::text(std::string_view heading) const {
  using Align = TextTable::Align;
  TextTable table({Align::left, Align::right, Align::right, Align::right});
  table.add({std::string(heading), "tensors", "elements", "size"});
  const auto row = [&](std::string_view name, const Total& total) {
    table.add({std::string(name), std::to_string(total.tensors), std::to_string(total.elements),
               readable_size(total.bytes)});
  };
  Total all;
  for (const auto& [name, total] : by_type_) {
    row(name, total);
    all.add(total);
  }
  if (by_type_.size() != 1) row("all", all);
  return table.text();
}

}  // namespace plimsoll::cli
