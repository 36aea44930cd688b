#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/pattern.hpp"

namespace plimsoll::config {

/// Patterns about names: some for every model, some only for certain model types. The patterns of
/// one model type are compiled into one, so that asking costs two searches at most.
class FamilyPatterns {
 public:
  FamilyPatterns() = default;

  /// Whether a general pattern or one of `model_type` is found in `name`. A name on which the
  /// search takes too much work counts as found: what the patterns list is left alone, the safe
  /// side.
  [[nodiscard]] bool match(std::string_view name, std::string_view model_type) const;

 private:
  friend class PatternFile;

  std::optional<Pattern> general_;
  std::map<std::string, Pattern, std::less<>> by_type_;
};

/// One of the shipped pattern files (config/patterns/NAME.toml). The files are part of the program:
/// a missing file or a pattern that does not compile is an Error (internal), thrown from here.
class PatternFile {
 public:
  explicit PatternFile(std::string_view name);
  PatternFile(PatternFile&&) noexcept;
  ~PatternFile();

  /// The general patterns of the arrays in [table], plus every [[family]]'s array called `family`.
  [[nodiscard]] FamilyPatterns patterns(std::string_view table, std::string_view family) const;

  /// The strings of one array.
  [[nodiscard]] std::vector<std::string> words(std::string_view table, std::string_view key) const;

 private:
  struct Contents;
  std::unique_ptr<const Contents> contents_;
};

}  // namespace plimsoll::config
