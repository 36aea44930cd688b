#include "rules/rule_set.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using plimsoll::config::HfConfig;
using namespace plimsoll::rules;

namespace {

/// A directory of rules files that goes away with the test.
class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plimsoll-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  void write(const char* name, const char* text) const { std::ofstream(path_ / name) << text; }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

HfConfig config(const char* architecture, const char* model_type) {
  HfConfig out;
  out.architecture = architecture;
  out.model_type = model_type;
  return out;
}

}  // namespace

TEST_CASE("a file adds lists and classes, and replaces those of the same name") {
  RuleSet set;
  REQUIRE(set.add_text("[rules.a]\nalso = ['b']\nlist = ['x -> y']\n"
                       "[[architectures.t]]\nclasses = ['T', 'U']\nbase = 'trunk'\n"
                       "rules = ['a', 'b @ vision', 'b @']\nfp32 = ['x.*.y']\n"
                       "tied = ['h = e']\nignore_missing = ['z']\npublished_merged = true\n",
                       "one.toml")
              .has_value());
  REQUIRE(set.list("b"));
  CHECK(*set.list("b") == std::vector<Rule>{Rename{{"x"}, "y", {}}});
  REQUIRE(set.architecture("U"));
  const Architecture& facts = *set.architecture("U");
  CHECK(facts.model_type == "t");
  CHECK(facts.base == "trunk");
  CHECK(facts.lists ==
        std::vector<ListUse>{{"a", std::nullopt}, {"b", "vision"}, {"b", std::string()}});
  CHECK(facts.tied == std::vector<std::pair<std::string, std::string>>{{"h", "e"}});
  CHECK(facts.published_merged);

  REQUIRE(set.add_text("[rules.a]\nlist = []\n[[architectures.t]]\nclasses = ['T']\n", "two.toml")
              .has_value());
  CHECK(set.list("a")->empty());
  CHECK(set.list("b")->size() == 1);
  CHECK(set.architecture("T")->base == "model");
  CHECK(set.architecture("U")->base == "trunk");
}

TEST_CASE("a mistake in a rules file is named by file and line, and changes nothing") {
  const std::vector<std::pair<const char*, const char*>> mistakes = {
      {"[rules.a]\nlist = ['x -> y'", "f.toml:2"},
      {"[rules.a]\nlist = [\n  'x -> y',\n  'x y',\n]", "f.toml:4: a rule is written"},
      {"[rules.a]\nlist = [\n  '''\n x\n''',]", "f.toml:3"},
      {"[rules.a]\nlist = ['( -> y']", "f.toml:2: pattern"},
      {"[rules.a]\nlist = [3]", "f.toml:2: a rule is no text"},
      {"[rules.a]\nlist = 'x -> y'", "f.toml:2: list is no array"},
      {"[rules.a]\nlists = []", "f.toml:2: a list of rules has no key lists"},
      {"[rules.a]", "f.toml:1: there is no list"},
      {"[rules.a]\nalso = ['b']\nlist = []\n[rules.b]\nlist = []", "stand there twice"},
      {"[rule.a]\nlist = []", "a rules file has no table rule"},
      {"rules = 3", "f.toml:1: rules is no table"},
      {"[architectures.t]\nclasses = ['T']", "[[architectures.MODEL_TYPE]]"},
      {"[[architectures.t]]\nbase = 'x'", "f.toml:1: there are no classes"},
      {"[[architectures.t]]\nclasses = ['T', 'T']", "the class T stands there twice"},
      {"[[architectures.t]]\nclasses = ['T']\nbase = 3", "f.toml:3: base is no text"},
      {"[[architectures.t]]\nclasses = ['']", "is empty"},
      {"[[architectures.t]]\nclasses = ['T']\nbases = 'x'", "f.toml:3: an architecture has no key"},
      {"[[architectures.t]]\nclasses = ['T']\nrules = ['a b']", "f.toml:3: rules are named"},
      {"[[architectures.t]]\nclasses = ['T']\nrules = ['none']",
       "f.toml:1: there are no rules none"},
      {"[[architectures.t]]\nclasses = ['T']\ntied = ['a=b']", "f.toml:3: tied tensors"},
      {"[[architectures.t]]\nclasses = ['T']\ntied = 0", "f.toml:3: tied counts"},
      {"[[architectures.t]]\nclasses = ['T']\nignore_missing = ['(']", "f.toml:1: pattern"},
      {"[[architectures.t]]\nclasses = ['T']\npublished_merged = 1",
       "f.toml:3: published_merged is neither true nor false"},
  };
  for (const auto& [text, place] : mistakes) {
    INFO(text);
    RuleSet set;
    const Expected<void> added = set.add_text(text, "f.toml");
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().code() == ErrorCode::invalid_config);
    INFO(added.error().what());
    CHECK(std::string(added.error().what()).find(place) != std::string::npos);
    CHECK(set.lists().empty());
    CHECK(set.architectures().empty());
  }
}

TEST_CASE("text that nests too deep for the parser is refused") {
  RuleSet set;
  const std::string deep = "[rules.a]\nlist = " + std::string(100'000, '[');
  const Expected<void> added = set.add_text(deep, "f.toml");
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().code() == ErrorCode::invalid_config);
}

TEST_CASE("a directory adds its TOML files, whose classes may ask for lists of any of them") {
  const Directory directory;
  directory.write("a.toml", "[[architectures.t]]\nclasses = ['T']\nrules = ['late']\n");
  directory.write("b.toml", "[rules.late]\nlist = ['x -> y']\n");
  directory.write("notes.txt", "no rules");
  RuleSet set;
  const Expected<void> added = set.add_directory(directory.path());
  INFO((added ? std::string() : std::string(added.error().what())));
  REQUIRE(added.has_value());
  CHECK(set.list("late"));

  directory.write("c.toml", "[rules.other]\nlist = ['x']\n");
  RuleSet other;
  const Expected<void> refused = other.add_directory(directory.path());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().file() == directory.path() + "/c.toml:2");
  CHECK(other.lists().empty());

  const Expected<void> absent = other.add_directory(directory.path() + "/none");
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().code() == ErrorCode::not_found);
}

TEST_CASE("rules are chosen by class, then by the list of that name, then by model type") {
  RuleSet set = RuleSet::shipped().value();
  const Choice known = set.choose(config("Qwen2MoeForCausalLM", "whatever"));
  CHECK(known.known);
  CHECK(known.architecture.lists == std::vector<ListUse>{{"qwen2_moe", std::nullopt}});

  const Choice by_type = set.choose(config("MyMixtral", "mixtral"));
  CHECK_FALSE(by_type.known);
  CHECK(by_type.architecture.lists == std::vector<ListUse>{{"mixtral", std::nullopt}});
  CHECK(by_type.architecture.base == "model");
  CHECK(set.choose(config("MyGpt", "gpt2")).architecture.base == "transformer");

  REQUIRE(set.add_text("[rules.MyMixtral]\nlist = []\n", "mine.toml").has_value());
  CHECK(set.choose(config("MyMixtral", "mixtral")).architecture.lists ==
        std::vector<ListUse>{{"MyMixtral", std::nullopt}});
  CHECK(set.choose(config("", "")).architecture.lists.empty());
}

TEST_CASE("config.json has the last word on what is tied") {
  const RuleSet set = RuleSet::shipped().value();
  HfConfig gemma = config("Gemma2ForCausalLM", "gemma2");
  CHECK(set.choose(gemma).architecture.tied.size() == 1);
  gemma.tie_word_embeddings = false;
  CHECK(set.choose(gemma).architecture.tied.empty());
  CHECK_FALSE(set.choose(gemma).architecture.tied_head);
  HfConfig llama = config("LlamaForCausalLM", "llama");
  CHECK_FALSE(set.choose(llama).architecture.tied_head);
  llama.tie_word_embeddings = true;
  CHECK(set.choose(llama).architecture.tied_head);
}

TEST_CASE("reading only the files that a model needs chooses the same rules") {
  const RuleSet all = RuleSet::shipped().value();
  std::vector<HfConfig> models = {config("", ""), config("Unheard", "gpt2"), config("", "mixtral"),
                                  config("Unheard", "unheard")};
  for (const auto& [name, facts] : all.architectures()) {
    models.push_back(config(name.c_str(), facts.model_type.c_str()));
  }
  for (std::size_t i = 0; i < models.size(); i += i < 8 ? 1 : 37) {
    const RuleSet some = RuleSet::shipped_for(models[i]).value();
    const Choice expected = all.choose(models[i]);
    const Choice chosen = some.choose(models[i]);
    CHECK(chosen.known == expected.known);
    CHECK(chosen.architecture == expected.architecture);
    CHECK(some.lists().size() == all.lists().size());
  }
}
