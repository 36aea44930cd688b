#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "errors/expected.hpp"
#include "gguf/names_row.hpp"

namespace plimsoll::gguf {

/// What is known of one family of models: the tensors of its GGUF files, and what of their metadata
/// config.json is made of.
struct Family {
  std::string name;                   ///< "qwen2_moe"
  std::string model_type;             ///< of config.json
  std::string class_name;             ///< architectures[0] of config.json
  std::vector<NameRow> rows;          ///< the first that fits a tensor names it
  std::vector<std::string> left_out;  ///< tensors that no checkpoint has, as rows are written
  /// Rules (config/rules) that make a checkpoint's tensors of those that rows name, where one
  /// tensor of a file is only a part of one. They apply before any others.
  std::vector<std::string> joins;
  /// Metadata below the architecture's name (or below "tokenizer."), and the member of config.json
  /// it becomes. In the order of the keys.
  std::vector<std::pair<std::string, std::string>> config;
};

/// By which signs a file belongs to a family.
struct FamilyChoice {
  std::string architecture;  ///< general.architecture
  std::string family;
  std::string general_name;      ///< general.name must be this; empty: anything
  std::string general_name_has;  ///< and have this in it, whatever the case of its letters
  bool experts = false;          ///< and there must be experts
};

/// Name tables, whole: what the files of config/gguf say.
struct NameTables {
  std::vector<Family> families;
  std::vector<FamilyChoice> choices;  ///< the first that fits counts

  /// Null if there is none.
  [[nodiscard]] const Family* family(std::string_view name) const noexcept;
};

/// Reads the texts of name tables (config/gguf/decoders.toml describes them), given with their
/// names. invalid_config names the file, and what is wrong: syntax, unknown keys, wrong types,
/// shared lists and families that are not there.
[[nodiscard]] Expected<NameTables> read_name_tables(
    const std::vector<std::pair<std::string, std::string_view>>& files);

/// The shipped ones. Reads about 20 KB of text.
[[nodiscard]] Expected<NameTables> shipped_name_tables();

}  // namespace plimsoll::gguf
