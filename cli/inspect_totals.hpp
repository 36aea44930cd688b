#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "io/catalogue.hpp"

namespace plimsoll::cli {

/// How many tensors, elements and bytes there are of each type.
class TypeTotals {
 public:
  /// Adds one tensor. `type` is a name of static storage.
  void add(std::string_view type, const io::Shape& shape, std::uint64_t bytes);

  /// A table, by name, whose first column is called `heading`; with the sum of several types.
  [[nodiscard]] std::string text(std::string_view heading) const;

 private:
  struct Total {
    std::uint64_t tensors = 0;
    std::uint64_t elements = 0;
    std::uint64_t bytes = 0;

    void add(const Total& other);
  };

  std::map<std::string_view, Total> by_type_;
};

}  // namespace plimsoll::cli
