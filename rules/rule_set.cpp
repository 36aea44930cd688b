#include "rules/rule_set.hpp"

#include <algorithm>
#include <filesystem>

#include "config/embedded_files.hpp"
#include "config/toml_file.hpp"
#include "rules/name_rule.hpp"
#include "rules/rule_file.hpp"

namespace plimsoll::rules {
namespace {

/// Finds patterns that do not compile while the place where they stand is still known.
Expected<void> check_patterns(const WrittenRules& written, const std::string& file) {
  for (const WrittenList& list : written.lists) {
    for (const auto& [rule, line] : list.rules) {
      const Expected<NameRule> compiled = NameRule::compile(rule);
      if (!compiled) {
        return fail(ErrorCode::invalid_config, compiled.error().reason(), place_of(file, line));
      }
    }
  }
  for (const WrittenArchitecture& written_facts : written.architectures) {
    const Architecture& facts = written_facts.facts;
    for (const auto* patterns :
         {&facts.fp32_if_fp16, &facts.ignore_unexpected, &facts.ignore_missing}) {
      const auto compiled = any_of(*patterns);
      if (!compiled) {
        return fail(ErrorCode::invalid_config, compiled.error().reason(),
                    place_of(file, written_facts.line));
      }
    }
  }
  return {};
}

bool holds_lists(const config::EmbeddedFile& file) {
  return file.text.find("[rules.") != std::string_view::npos;
}

/// Whether the name may stand in the file; it cannot where this is false.
bool mentions(const config::EmbeddedFile& file, const std::string& name) {
  return !name.empty() && std::string_view(file.text).find(name) != std::string_view::npos;
}

}  // namespace

/// Puts what files say into a set.
class RuleFile {
 public:
  static Expected<void> read(const config::EmbeddedFile& file, RuleSet& set) {
    Expected<WrittenRules> written =
        read_rules(file.text, "config/rules/" + std::string(file.name) + ".toml");
    if (!written) return fail(written.error());
    apply(std::move(*written), set);
    return {};
  }

  static void apply(WrittenRules written, RuleSet& set) {
    for (WrittenList& list : written.lists) {
      std::vector<Rule> rules;
      for (auto& [rule, line] : list.rules) rules.push_back(std::move(rule));
      for (const std::string& key : list.keys) set.lists_.insert_or_assign(key, rules);
    }
    for (WrittenArchitecture& facts : written.architectures) {
      for (const std::string& name : facts.classes) {
        set.architectures_.insert_or_assign(name, facts.facts);
      }
    }
  }

  /// A class that asks for a list which nobody has, if there is one.
  static Expected<void> check_uses(const WrittenRules& written, const RuleSet& set,
                                   const std::string& file) {
    for (const WrittenArchitecture& facts : written.architectures) {
      for (const ListUse& use : facts.facts.lists) {
        if (set.list(use.key)) continue;
        return fail(ErrorCode::invalid_config, "there are no rules " + use.key,
                    place_of(file, facts.line));
      }
    }
    return {};
  }
};

Expected<RuleSet> RuleSet::shipped() {
  RuleSet set;
  for (const config::EmbeddedFile& file : config::embedded_rules()) {
    if (auto read = RuleFile::read(file, set); !read) return fail(read.error());
  }
  return set;
}

Expected<RuleSet> RuleSet::shipped_for(const config::HfConfig& facts) {
  RuleSet set;
  std::vector<config::EmbeddedFile> unread;
  for (const config::EmbeddedFile& file : config::embedded_rules()) {
    if (!holds_lists(file) && !mentions(file, facts.architecture)) {
      unread.push_back(file);
    } else if (auto read = RuleFile::read(file, set); !read) {
      return fail(read.error());
    }
  }
  if (set.architecture(facts.architecture)) return set;
  for (const config::EmbeddedFile& file : unread) {
    if (!mentions(file, facts.model_type)) continue;
    if (auto read = RuleFile::read(file, set); !read) return fail(read.error());
  }
  return set;
}

Expected<void> RuleSet::add_text(std::string_view text, const std::string& file) {
  Expected<WrittenRules> written = read_rules(text, file);
  if (!written) return fail(written.error());
  if (Expected<void> checked = check_patterns(*written, file); !checked) return checked;
  RuleSet grown = *this;
  RuleFile::apply(*written, grown);
  if (Expected<void> checked = RuleFile::check_uses(*written, grown, file); !checked) {
    return checked;
  }
  *this = std::move(grown);
  return {};
}

Expected<void> RuleSet::add_directory(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> files;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() == ".toml") files.push_back(entries->path().string());
  }
  if (error) {
    const bool absent = error == std::errc::no_such_file_or_directory;
    return fail(absent ? ErrorCode::not_found : ErrorCode::read_failed, error.message(), directory);
  }
  std::sort(files.begin(), files.end());
  RuleSet grown = *this;
  std::vector<WrittenRules> all;
  for (const std::string& file : files) {
    Expected<std::string> text = config::read_config_file(file);
    if (!text) return fail(text.error());
    Expected<WrittenRules> written = read_rules(*text, file);
    if (!written) return fail(written.error());
    if (Expected<void> checked = check_patterns(*written, file); !checked) return checked;
    RuleFile::apply(*written, grown);
    all.push_back(std::move(*written));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (Expected<void> checked = RuleFile::check_uses(all[i], grown, files[i]); !checked) {
      return checked;
    }
  }
  *this = std::move(grown);
  return {};
}

const std::vector<Rule>* RuleSet::list(std::string_view key) const {
  const auto found = lists_.find(key);
  return found == lists_.end() ? nullptr : &found->second;
}

const Architecture* RuleSet::architecture(std::string_view class_name) const {
  const auto found = architectures_.find(class_name);
  return found == architectures_.end() ? nullptr : &found->second;
}

const std::map<std::string, std::vector<Rule>, std::less<>>& RuleSet::lists() const {
  return lists_;
}

const std::map<std::string, Architecture, std::less<>>& RuleSet::architectures() const {
  return architectures_;
}

Choice RuleSet::choose(const config::HfConfig& facts) const {
  Choice choice;
  if (const Architecture* known = architecture(facts.architecture)) {
    choice = {*known, true};
  } else {
    choice.architecture.model_type = facts.model_type;
    std::map<std::string, std::size_t> bases;
    for (const auto& [name, other] : architectures_) {
      if (!facts.model_type.empty() && other.model_type == facts.model_type) ++bases[other.base];
    }
    const auto most =
        std::max_element(bases.begin(), bases.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != bases.end()) choice.architecture.base = most->first;
    for (const std::string& key : {facts.architecture, facts.model_type}) {
      if (key.empty() || !list(key)) continue;
      choice.architecture.lists.push_back({key, std::nullopt});
      break;
    }
  }
  if (facts.tie_word_embeddings == false) {
    choice.architecture.tied.clear();
    choice.architecture.tied_count = 0;
  } else if (facts.tie_word_embeddings == true) {
    choice.architecture.tied_head =
        choice.architecture.tied.empty() && choice.architecture.tied_count == 0;
  }
  return choice;
}

}  // namespace plimsoll::rules
