#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "errors/expected.hpp"
#include "rules/operation.hpp"

namespace plimsoll::rules {

// One rule about names. `from` are patterns (see docs/rules.md); `to` is literal text, apart from
// \1. Written form: the comment of each kind. `back` are the patterns for the way back, when a
// model's tensors are written as a checkpoint, where they are not just `to`.

/// "FROM... -> TO", "... back PATTERN..." at the end: replaces what one of the patterns matches.
struct Rename {
  std::vector<std::string> from;
  std::string to;
  std::vector<std::string> back;
  friend bool operator==(const Rename&, const Rename&) = default;
};

/// "add PREFIX" or "remove PREFIX", "... below PARENT" at the end: puts the parts PREFIX at the
/// start of names (or after PARENT), or takes them out. Adding leaves names alone that have it.
struct PrefixChange {
  bool add = false;
  std::string prefix;
  std::string below;
  friend bool operator==(const PrefixChange&, const PrefixChange&) = default;
};

/// "group FROM... -> TO...": each pattern has its own replacement, and none applies before the
/// first one was seen, so that names of the new form pass even where old and new forms overlap.
struct GroupRename {
  std::vector<std::string> from;
  std::vector<std::string> to;
  friend bool operator==(const GroupRename&, const GroupRename&) = default;
};

/// "shift +1 FROM -> TO": \1 in TO is the number that the group matched, plus the offset.
struct IndexRename {
  std::int64_t offset = 0;
  std::string from;
  std::string to;
  friend bool operator==(const IndexRename&, const IndexRename&) = default;
};

/// "FROM... -> TO... by OPERATION...", "... back PATTERN..." at the end: all tensors whose names
/// become the same target are collected, one list a pattern, and turned into the targets' tensors.
/// The first of `to` replaces the match; the other targets are named like it.
struct Convert {
  std::vector<std::string> from;
  std::vector<std::string> to;
  std::vector<Operation> operations;
  std::vector<std::string> back;
  friend bool operator==(const Convert&, const Convert&) = default;
};

using Rule = std::variant<Rename, PrefixChange, GroupRename, IndexRename, Convert>;

/// Reads a rule's written form: words with any white space between. invalid_config says what is
/// wrong with it; patterns are not compiled here.
[[nodiscard]] Expected<Rule> parse_rule(std::string_view text);

/// The written form on one line, which reads back as `rule`.
[[nodiscard]] std::string text_of(const Rule& rule);

}  // namespace plimsoll::rules
