#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "errors/expected.hpp"
#include "gguf/names_file.hpp"
#include "gguf/numbered_name.hpp"
#include "io/gguf_metadata.hpp"
#include "io/name_index.hpp"

namespace plimsoll::gguf {

/// The family of a file with these metadata. Errors, which name `file`: unsupported where no table
/// knows the architecture, with what can be done instead; malformed without general.architecture.
[[nodiscard]] Expected<const Family*> family_of(const NameTables& tables,
                                                const io::GgufMetadata& metadata,
                                                const std::string& file);

/// What a table says of one tensor of a file.
struct HubName {
  enum class Fate : std::uint8_t {
    named,     ///< it is a tensor of the checkpoint, or several
    left_out,  ///< it is known, and no checkpoint has it
    unknown,   ///< no row names it
  };
  Fate fate = Fate::unknown;
  const NameRow* row = nullptr;        ///< of named ones
  std::optional<std::uint64_t> layer;  ///< the first number in the tensor's name
  std::string name;                    ///< the checkpoint's; up to the number of the part, if any
  bool in_parts = false;               ///< the outermost size counts tensors of the checkpoint
  std::string rest;                    ///< of the name, behind the number of the part
};

/// Finds the checkpoint's names of one file's tensors. `family` must outlive it, and the characters
/// of `tensors`, which are all names that the file has. A look-up costs a few hash look-ups.
class HubNames {
 public:
  HubNames(const Family& family, std::vector<std::string_view> tensors);

  [[nodiscard]] HubName of(std::string_view tensor) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  [[nodiscard]] const NameRow* row_of(std::string_view pattern, const NumberedName& name) const;
  [[nodiscard]] bool holds(const NameRow& row, const NumberedName& name) const;
  static void spell(const NumberedName& from, std::string_view suffix, HubName& named);

  io::NameIndex tensors_;  // empty where no row asks for a tensor
  std::unordered_map<std::string, std::vector<const NameRow*>, Hash, std::equal_to<>> rows_;
  std::unordered_set<std::string, Hash, std::equal_to<>> left_out_;
};

}  // namespace plimsoll::gguf
