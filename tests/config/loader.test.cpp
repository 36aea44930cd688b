#include "config/loader.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::Expected;
using plimsoll::codecs::FormatKind;
using namespace plimsoll::config;

namespace {

std::size_t index_of(std::string_view name) {
  return find_setting(name).value().index;
}

Settings loaded(std::string_view toml) {
  Configuration configuration;
  const Expected<void> result = configuration.load_text(toml, "test.toml");
  INFO((result ? std::string("loaded") : std::string(result.error().what())));
  REQUIRE(result.has_value());
  return configuration.settings();
}

/// The line that a person sees.
std::string refused(std::string_view toml) {
  Configuration configuration;
  const Expected<void> result = configuration.load_text(toml, "test.toml");
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code() == ErrorCode::invalid_config);
  CHECK(configuration.settings() == Settings{});
  return result.error().what();
}

/// A directory of its own that goes away with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plimsoll-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("without any file the settings are the embedded defaults") {
  const Configuration configuration;
  const Settings& settings = configuration.settings();
  CHECK_FALSE(settings.recipe.to.has_value());
  CHECK(settings.recipe.layout == Layout::hub);
  CHECK_FALSE(settings.recipe.skip.has_value());
  CHECK(settings.plan.slots == 4);
  CHECK(settings.plan.unit_bytes == 1'048'576);
  CHECK_FALSE(settings.plan.budget.has_value());
  CHECK(settings.plan.merge == Merge::automatic);
  CHECK_FALSE(settings.recipe.parallel.has_value());
  CHECK(settings.recipe.slice.empty());
  CHECK(settings.engine.devices == std::vector<std::string>{"host"});
  CHECK(settings.io.source == ReadMethod::automatic);
  CHECK(settings.output.shard_size == 5'000'000'000);
  for (std::size_t i = 0; i < schema().size(); ++i) CHECK(configuration.origin(i) == "default");
}

TEST_CASE("a config file sets every kind of setting") {
  const Settings settings = loaded(R"(
[recipe]
to = "nf4:blocksize=128,variant=cpu"
match = ['down_proj -> bf16', 'q_proj -> keep']
skip = ['lm_head', '\.norm\.']
layout = "transformers"
expect = "model.json"
strict = true
rules = "more-rules"
parallel = "1/4"
slice = ['\.o_proj\. -> rows', 'q_proj -> columns']
[plan]
slots = 2
unit-bytes = "512KiB"
budget = 1000000
merge = "two-pass"
[engine]
devices = ["host:0", "host:1"]
threads = 3
[io]
source = "direct"
threads = 5
[output]
path = "out"
shard-size = "1.5GB"
force = true
[trace]
file = "run.trace"
[log]
level = "debug"
progress = false
)");
  CHECK(settings.recipe.to->kind == FormatKind::nf4);
  CHECK(settings.recipe.to->blocksize == 128);
  REQUIRE(settings.recipe.match.size() == 2);
  CHECK(settings.recipe.match[1].pattern == "q_proj");
  CHECK(settings.recipe.skip == std::vector<std::string>{"lm_head", "\\.norm\\."});
  CHECK(settings.recipe.layout == Layout::transformers);
  CHECK(settings.recipe.expect == "model.json");
  CHECK(settings.recipe.strict);
  CHECK(settings.recipe.rules == "more-rules");
  CHECK(settings.recipe.parallel == ParallelRank{1, 4});
  CHECK(settings.recipe.slice ==
        std::vector<SliceRule>{{"\\.o_proj\\.", SliceKind::rows}, {"q_proj", SliceKind::columns}});
  CHECK(settings.plan.slots == 2);
  CHECK(settings.plan.unit_bytes == 512 * 1024);
  CHECK(settings.plan.budget == 1'000'000u);
  CHECK(settings.plan.merge == Merge::two_pass);
  CHECK(settings.engine.devices == std::vector<std::string>{"host:0", "host:1"});
  CHECK(settings.engine.threads == 3);
  CHECK(settings.io.source == ReadMethod::direct);
  CHECK(settings.io.threads == 5);
  CHECK(settings.output.path == "out");
  CHECK(settings.output.shard_size == 1'500'000'000);
  CHECK(settings.output.force);
  CHECK(settings.trace.file == "run.trace");
  CHECK(settings.log.level == LogLevel::debug);
  CHECK_FALSE(settings.log.progress);
}

TEST_CASE("an option's bare name is accepted at the top level, in either spelling") {
  const Settings settings = loaded(R"(
to = "bf16"
match = "lm_head -> keep"
skip = []
slots = 7
unit_bytes = 4096
devices = "host:0,host:1"
source = "pread"
trace = "t"
no-progress = true
shard-size = "1GB"
plan.budget = "1GiB"
)");
  CHECK(settings.recipe.to->kind == FormatKind::bf16);
  CHECK(settings.recipe.match.size() == 1);
  REQUIRE(settings.recipe.skip.has_value());
  CHECK(settings.recipe.skip->empty());
  CHECK(settings.plan.slots == 7);
  CHECK(settings.plan.unit_bytes == 4096);
  CHECK(settings.plan.budget == std::uint64_t{1} << 30);
  CHECK(settings.engine.devices.size() == 2);
  CHECK(settings.io.source == ReadMethod::pread);
  CHECK(settings.trace.file == "t");
  CHECK_FALSE(settings.log.progress);
}

TEST_CASE("the empty skip pattern empties the list and no skip leaves the default") {
  CHECK(loaded("skip = ''").recipe.skip == std::vector<std::string>{});
  CHECK(loaded("skip = ['', 'a']").recipe.skip == std::vector<std::string>{"a"});
  CHECK_FALSE(loaded("slots = 1").recipe.skip.has_value());
}

TEST_CASE("a bad config file is refused with line, key and reason") {
  const std::pair<const char*, const char*> cases[] = {
      {"\nslotz = 4", "test.toml:2: slotz: unknown setting; did you mean \"slots\"?"},
      {"[plan]\n\nunit-byte = 1",
       "test.toml:3: plan.unit-byte: unknown setting; did you mean \"plan.unit-bytes\"?"},
      {"[plan]\nthreads = 1", "test.toml:2: plan.threads: unknown setting; did you mean"},
      {"[nowhere]", "test.toml:1: nowhere: unknown setting"},
      {"[plan.inner]\nx = 1", "test.toml:1: plan.inner: unknown setting"},
      {"plan = 3", "test.toml:1: plan: is a group of settings; write [plan]"},
      {"slots = \"4\"", "test.toml:1: slots: expected an integer, found a string"},
      {"slots = 4.0", "expected an integer, found a floating-point number"},
      {"slots = 0", "test.toml:1: slots: 0 is out of range (1 to 65536)"},
      {"slots = -1", "-1 is out of range"},
      {"slots = 70000", "70000 is out of range"},
      {"slots = 99999999999999999999", "test.toml:1"},
      {"unit-bytes = 1", "out of range (a size, at least 64, at most 1TiB)"},
      {"unit-bytes = \"2TiB\"", "out of range"},
      {"unit-bytes = true", "expected a number of bytes"},
      {"budget = \"8 gallons\"", "\"8 gallons\" is not a size"},
      {"budget = \"99999999TiB\"", "is not a size below 2^64"},
      {"budget = 1979-05-27", "found a date or time"},
      {"force = 1", "expected true or false, found an integer"},
      {"source = \"mmap\"", "\"mmap\" is not auto, pread or direct"},
      {"layout = \"transformer\"", "did you mean \"transformers\"?"},
      {"to = \"nf5\"", "test.toml:1: to: unknown format \"nf5\""},
      {"match = [\"a\"]", "is not of the form"},
      {"match = [1]", "found an array of other things than strings"},
      {"skip = [\"(\"]", "position"},
      {"merge = \"folded\"", "did you mean \"fold\"?"},
      {"parallel = \"4/4\"", "test.toml:1: parallel: there is no rank 4 of 4"},
      {"parallel = 1", "expected a string, found an integer"},
      {"slice = [\"a -> rows\", \"b -> sideways\"]", "unknown slice \"sideways\""},
      {"devices = \"gpu\"", "unknown device \"gpu\""},
      {"devices = []", "no device is named"},
      {"expect = [\"a\"]", "expected a string, found an array"},
      {"expect = \"a\\u0000b\"", "zero byte"},
      {"profile = 3", "expected the name of a profile"},
      {"\nprofile = \"low-memroy\"",
       "test.toml:2: unknown profile \"low-memroy\"; did you mean \"low-memory\"?"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    const std::string line = refused(text);
    INFO(line);
    CHECK(line.find(expected) != std::string::npos);
  }
}

TEST_CASE("a syntax error names its line") {
  for (const char* text : {"\n\nslots = ", "\n\nslots 4", "\n\n[plan", "\n\nslots = 1 2",
                           "\n\nto = \"a\nb\"", "\n\nto = \"\xff\""}) {
    INFO(text);
    CHECK(refused(text).starts_with("test.toml:3: "));
  }
  CHECK(refused("slots = 1\nslots = 2").starts_with("test.toml:2: "));
}

TEST_CASE("a setting given twice under different names is refused") {
  CHECK(refused("slots = 1\n[plan]\nslots = 2").find("the same setting is given at test.toml:") !=
        std::string::npos);
  CHECK(refused("unit-bytes = 4096\nunit_bytes = 4096").find("the same setting") !=
        std::string::npos);
  CHECK(refused("no-progress = true\n[log]\nprogress = true").find("the same setting") !=
        std::string::npos);
}

TEST_CASE("hostile TOML is an error and nothing worse") {
  std::string dots = "a";
  for (int i = 0; i < 300'000; ++i) dots += ".a";
  CHECK(refused(dots + " = 1").find("too many dots") != std::string::npos);
  refused("a = " + std::string(500'000, '['));
  refused("a = " + std::string(100'000, '{'));
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += "{a=";
  refused("a = " + nested);
  refused("[" + std::string(1'000'000, 'a') + "]");
  refused(std::string("a\0b = 1", 7));
}

TEST_CASE("the command line wins over the file, the file over the profile, in any order") {
  for (const bool file_first : {false, true}) {
    Configuration configuration;
    if (file_first) REQUIRE(configuration.load_text("slots = 9\nthreads = 7", "f.toml"));
    REQUIRE(configuration.set("--slots", "3"));
    REQUIRE(configuration.load_profile("low-memory"));
    if (!file_first) REQUIRE(configuration.load_text("slots = 9\nthreads = 7", "f.toml"));
    CHECK(configuration.settings().plan.slots == 3);
    CHECK(configuration.settings().engine.threads == 7);
    CHECK(configuration.settings().plan.unit_bytes == 256 * 1024);
    CHECK(configuration.origin(index_of("plan.slots")) == "command line (--slots)");
    CHECK(configuration.origin(index_of("engine.threads")) == "f.toml:2");
    CHECK(configuration.origin(index_of("plan.unit-bytes")) == "profile low-memory");
    CHECK(configuration.origin(index_of("io.source")) == "default");
  }
}

TEST_CASE("a file may name its profile, unless one was chosen already") {
  const char* file = "profile = \"low-memory\"\nthreads = 7";
  Configuration by_file;
  REQUIRE(by_file.load_text(file, "f.toml"));
  CHECK(by_file.profile() == "low-memory");
  CHECK(by_file.settings().plan.slots == 1);

  for (const bool file_first : {false, true}) {
    Configuration chosen;
    if (file_first) REQUIRE(chosen.load_text(file, "f.toml"));
    REQUIRE(chosen.load_profile("cold-disk"));
    if (!file_first) REQUIRE(chosen.load_text(file, "f.toml"));
    CHECK(chosen.profile() == "cold-disk");
    CHECK(chosen.settings().plan.slots == 8);
    CHECK(chosen.settings().engine.threads == 7);
    CHECK(chosen.settings().output.shard_size == 5'000'000'000);
  }
}

TEST_CASE("a setting of the command line is held to the same rules") {
  Configuration configuration;
  CHECK(configuration.set("match", std::vector<std::string>{"a -> bf16", "b -> keep"}));
  CHECK(configuration.settings().recipe.match.size() == 2);
  CHECK(configuration.set("skip", ""));
  CHECK(configuration.settings().recipe.skip == std::vector<std::string>{});
  CHECK(configuration.set("force", std::vector<std::string>{}));
  CHECK(configuration.settings().output.force);
  CHECK(configuration.set("no-progress", std::vector<std::string>{}, "the test"));
  CHECK_FALSE(configuration.settings().log.progress);
  CHECK(configuration.origin(index_of("log.progress")) == "the test");
  CHECK(configuration.set("devices", "host:0,host:1"));
  CHECK(configuration.settings().engine.devices.size() == 2);
  const Settings before = configuration.settings();

  const std::pair<const char*, const char*> cases[] = {
      {"slots", "0"},        {"slots", "four"}, {"slots", ""},        {"slots", "+4"},
      {"slots", "4 "},       {"budget", "8G"},  {"budget", "0"},      {"source", "Direct"},
      {"to", "nf5"},         {"match", "a"},    {"skip", "("},        {"devices", ""},
      {"threads", "100000"}, {"force", "yes"},  {"nothing", "at all"}};
  for (const auto& [name, text] : cases) {
    INFO(name << " " << text);
    const Expected<void> result = configuration.set(name, text);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code() == ErrorCode::invalid_argument);
    CHECK(configuration.settings() == before);
  }
  CHECK_FALSE(configuration.set("slots", std::vector<std::string>{"1", "2"}));
  CHECK_FALSE(configuration.set("slots", std::vector<std::string>{}));
  CHECK_FALSE(configuration.load_profile("fast"));
}

TEST_CASE("a config file is read from disk, and what cannot be read is an error") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("plimsoll.toml");
  std::ofstream(path) << "[plan]\nslots = 6\n";
  Configuration configuration;
  REQUIRE(configuration.load_file(path));
  CHECK(configuration.settings().plan.slots == 6);
  CHECK(configuration.origin(index_of("plan.slots")) == path + ":2");

  CHECK(configuration.load_file(directory.file("none.toml")).error().code() ==
        ErrorCode::not_found);
  CHECK(configuration.load_file(directory.file("")).error().code() == ErrorCode::invalid_config);
  std::ofstream(path) << std::string((std::size_t{1} << 20) + 1, '#');
  CHECK(configuration.load_file(path).error().code() == ErrorCode::invalid_config);
  std::ofstream(path) << "";
  CHECK(configuration.load_file(path));
}
