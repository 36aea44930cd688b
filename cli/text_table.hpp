#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace plimsoll::cli {

/// Columns that stand below each other. Cells hold text that is safe to print; widths are counted
/// in bytes.
class TextTable {
 public:
  enum class Align : unsigned char { left, right };

  /// One alignment a column.
  explicit TextTable(std::vector<Align> columns);

  /// Adds a row, one cell a column.
  void add(std::vector<std::string> cells);

  /// All rows, two spaces between columns, no blanks at the end of a line.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace plimsoll::cli
