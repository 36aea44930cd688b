#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.hpp"

namespace plimsoll::config {

/// Where a setting lives inside Settings. The alternative is the setting's type.
using SettingPlace =
    std::variant<bool*, std::uint32_t*, std::uint64_t*, std::optional<std::uint64_t>*, std::string*,
                 Layout*, Merge*, ReadMethod*, LogLevel*, std::optional<codecs::Format>*,
                 std::vector<MatchRule>*, std::optional<std::vector<std::string>>*,
                 std::optional<ParallelRank>*, std::vector<SliceRule>*, std::vector<std::string>*>;

/// The one home of a setting: loading, validation, listing and documentation all read it here.
struct SettingSchema {
  std::string_view name;           ///< canonical, "group.key", kebab-case
  std::string_view option;         ///< of the command line, "--slots"; empty if it has none
  std::string_view value;          ///< what stands for the value in a help text; empty for a switch
  std::string_view documentation;  ///< one line, without a full stop
  SettingPlace (*place)(Settings&);
  std::uint64_t least = 0;  ///< bounds of a count or a size
  std::uint64_t most = 0;
  bool option_negates = false;  ///< a switch whose option turns it off ("--no-progress")

  /// The option's bare name, which a config file accepts at its top level: "slots".
  [[nodiscard]] std::string_view alias() const;
  /// The part before the dot, and the part behind it.
  [[nodiscard]] std::string_view group() const;
  [[nodiscard]] std::string_view key() const;
};

/// Every setting, grouped, in the order in which they are shown. Static storage.
[[nodiscard]] std::span<const SettingSchema> schema();

/// The names of the groups, in the same order.
[[nodiscard]] std::span<const std::string_view> setting_groups();

/// A setting found by a name that someone wrote.
struct FoundSetting {
  std::size_t index = 0;  ///< into schema()
  bool negated = false;   ///< written as the option that turns it off
};

/// Finds a setting by its canonical name or its alias, dashes and underscores being the same and
/// dashes in front ignored.
[[nodiscard]] std::optional<FoundSetting> find_setting(std::string_view name);

/// `; did you mean "plan.slots"?` for a name that find_setting does not know.
[[nodiscard]] std::string nearest_setting(std::string_view name);

/// The words that a Layout, Merge, ReadMethod or LogLevel may have, in the enum's order.
[[nodiscard]] std::span<const std::string_view> choices(const Layout*);
[[nodiscard]] std::span<const std::string_view> choices(const Merge*);
[[nodiscard]] std::span<const std::string_view> choices(const ReadMethod*);
[[nodiscard]] std::span<const std::string_view> choices(const LogLevel*);

}  // namespace plimsoll::config
