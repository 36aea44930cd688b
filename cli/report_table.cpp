#include "cli/report_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "cli/collapsed_names.hpp"
#include "cli/shape_text.hpp"
#include "errors/printable.hpp"

namespace plimsoll::cli {
namespace {

using Row = std::array<std::string, 3>;  // tensor, status, details

constexpr std::string_view note_missing = "the model wants it, the checkpoint does not have it";
constexpr std::string_view note_unexpected = "the checkpoint has it, the model does not want it";
constexpr std::string_view note_mismatched = "both have it, but of different shapes";

/// Rows of one kind, and its note.
class Table {
 public:
  void add(std::string_view status, std::string_view note, std::span<const std::string> names,
           std::span<const std::string> details = {}) {
    if (names.empty()) return;
    for (const CollapsedName& name : collapse_names(names, details)) {
      const std::size_t count = name.members.size();
      std::string detail = count == 1 ? "" : std::to_string(count) + " tensors";
      if (!details.empty() && !details[name.members.front()].empty()) {
        detail.append(detail.empty() ? "" : ", ").append(details[name.members.front()]);
      }
      rows_.push_back({name.text, std::string(status), std::move(detail)});
    }
    notes_.append(status).append(std::string(status_width - status.size(), ' '));
    notes_.append(note).append("\n");
  }

  [[nodiscard]] std::string text() const {
    if (rows_.empty()) return {};
    std::array<std::size_t, 3> widths{};
    for (const Row& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out = line({"tensor", "status", ""}, widths);
    out += std::string(widths[0], '-') + "-+-" + std::string(widths[1], '-') + "-+-" +
           std::string(widths[2], '-') + "\n";
    for (const Row& row : rows_) out += line(row, widths);
    return out + "\n" + notes_;
  }

 private:
  static constexpr std::size_t status_width = 12;

  static std::string line(const Row& row, const std::array<std::size_t, 3>& widths) {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      out.append(i == 0 ? "" : " | ").append(row[i]);
      if (row[i].size() < widths[i]) out.append(widths[i] - row[i].size(), ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
  }

  std::vector<Row> rows_;
  std::string notes_;
};

/// "checkpoint [2, 3], model [3, 2]" for each name; nothing where the shapes are not known.
std::vector<std::string> shapes_of(const std::vector<std::string>& names,
                                   const std::vector<Mismatch>& mismatches) {
  std::map<std::string_view, const Mismatch*> known;
  for (const Mismatch& mismatch : mismatches) known.emplace(mismatch.name, &mismatch);
  std::vector<std::string> texts;
  texts.reserve(names.size());
  for (const std::string& name : names) {
    std::string& text = texts.emplace_back();
    const auto found = known.find(name);
    if (found == known.end()) continue;
    text.append("checkpoint ").append(shape_text(found->second->found));
    text.append(", model ").append(shape_text(found->second->wanted));
  }
  return texts;
}

template <class Findings>
std::string table_of(const Findings& found) {
  Table table;
  table.add("MISSING", note_missing, found.missing);
  table.add("UNEXPECTED", note_unexpected, found.unexpected);
  table.add("MISMATCHED", note_mismatched, found.mismatched,
            shapes_of(found.mismatched, found.mismatches));
  return table.text();
}

}  // namespace

std::string report_table(const Report& report) {
  return table_of(report);
}

std::string report_table(const Plan& plan) {
  return table_of(plan);
}

std::string unchecked_text(const std::vector<std::string>& sentences) {
  if (sentences.empty()) return {};
  std::string out = "unchecked   without --expect: ";
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    out.append(i == 0 ? "" : "; ").append(printable(sentences[i]));
  }
  return out + "\n";
}

}  // namespace plimsoll::cli
