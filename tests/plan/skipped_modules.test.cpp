#include "plan/skipped_modules.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

using plimsoll::plan::skip_entries;

namespace {

/// Python's re.match for the expressions that entries are: characters, dots, escaped characters and
/// the end. The length of the match, or nothing.
std::optional<std::size_t> re_match(std::string_view expression, std::string_view text) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const bool escaped = expression[i] == '\\';
    if (escaped) ++i;
    if (escaped && expression[i] == 'Z') {
      if (at != text.size()) return std::nullopt;
      continue;
    }
    if (at == text.size()) return std::nullopt;
    const bool any = expression[i] == '.' && !escaped && text[at] != '\n';
    if (!any && expression[i] != text[at]) return std::nullopt;
    ++at;
  }
  return at;
}

/// How readers decide on a module: at a part's end (transformers 5), or anywhere (older ones).
enum class Reader { at_part_end, anywhere };

bool leaves_out(Reader reader, const std::vector<std::string>& entries, std::string_view path) {
  return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
    if (path.ends_with(entry)) return true;
    const auto length = re_match(entry, path);
    if (!length) return false;
    return reader == Reader::anywhere || *length == path.size() || path[*length] == '.' ||
           (*length > 0 && path[*length - 1] == '.');
  });
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

std::vector<std::string> entries_for(const std::vector<std::string>& skipped,
                                     const std::vector<std::string>& quantized) {
  return skip_entries(views(skipped), views(quantized));
}

/// A path of few parts that often begins, ends or continues another.
std::string random_path(std::mt19937& random) {
  static const std::vector<std::string> parts = {"a",         "b",   "ab",  "1", "10", "gate",
                                                 "gate_proj", "aXb", "x(y", "",  "b+"};
  std::string path = parts[random() % parts.size()];
  for (auto more = random() % 4; more > 0; --more) {
    path += (random() % 8 == 0 ? "X" : ".") + parts[random() % parts.size()];
  }
  return path;
}

}  // namespace

TEST_CASE("modules whose paths can catch no other are named as they are") {
  CHECK(
      entries_for({"lm_head", "model.embed_tokens", "model.layers.0.mlp.gate"},
                  {"model.layers.0.mlp.experts.0.gate_proj", "model.layers.1.self_attn.q_proj"}) ==
      std::vector<std::string>{"lm_head", "model.embed_tokens", "model.layers.0.mlp.gate"});
  CHECK(entries_for({}, {"a"}).empty());
  CHECK(entries_for({"b", "a", "b"}, {}) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a path that begins a quantized one is pinned down to itself") {
  CHECK(entries_for({"model.fc"}, {"model.fc2"}) == std::vector<std::string>{R"(model\.fc\Z)"});
  CHECK(entries_for({"layers.1"}, {"layers.10.q"}) == std::vector<std::string>{R"(layers\.1\Z)"});
  CHECK(entries_for({"a"}, {"a.b"}) == std::vector<std::string>{R"(a\Z)"});
}

TEST_CASE("a path that ends a quantized one is pinned down to itself") {
  CHECK(entries_for({"lm_head"}, {"draft.lm_head"}) == std::vector<std::string>{R"(lm_head\Z)"});
  CHECK(entries_for({"gate"}, {"mlp.shared_gate"}) == std::vector<std::string>{R"(gate\Z)"});
}

TEST_CASE("a dot counts as any character, as it does in an expression") {
  CHECK(entries_for({"a.b"}, {"aXb"}) == std::vector<std::string>{R"(a\.b\Z)"});
  CHECK(entries_for({"a.b.c"}, {"a.bXcd"}) == std::vector<std::string>{R"(a\.b\.c\Z)"});
  CHECK(entries_for({"a.b.c"}, {"a.b", "a.bX", "b.c"}) == std::vector<std::string>{"a.b.c"});
}

TEST_CASE("characters with a meaning in expressions are escaped") {
  CHECK(entries_for({"a+b"}, {}) == std::vector<std::string>{R"(a\+b\Z)"});
  CHECK(entries_for({"(", "\n"}, {}) == std::vector<std::string>{"\\\n\\Z", R"(\(\Z)"});
  CHECK(entries_for({"\xc3\xa9"}, {}) == std::vector<std::string>{"\xc3\xa9\\Z"});
}

TEST_CASE("the root module is named without catching all others") {
  const auto entries = entries_for({""}, {"a"});
  CHECK(entries == std::vector<std::string>{R"(\Z)"});
  CHECK(entries_for({""}, {}) == entries);
  CHECK(leaves_out(Reader::anywhere, entries, ""));
  CHECK_FALSE(leaves_out(Reader::anywhere, entries, "a"));
}

TEST_CASE("a module that is in both lists is quantized") {
  CHECK(entries_for({"a", "b"}, {"b"}) == std::vector<std::string>{"a"});
}

TEST_CASE("readers leave out every skipped module and none that was quantized") {
  std::mt19937 random(50);
  std::size_t plain = 0;
  std::size_t exact = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> skipped;
    std::vector<std::string> quantized;
    for (auto i = random() % 8; i > 0; --i) skipped.push_back(random_path(random));
    for (auto i = random() % 8; i > 0; --i) quantized.push_back(random_path(random));
    const auto entries = entries_for(skipped, quantized);
    for (const std::string& entry : entries) ++(entry.ends_with("\\Z") ? exact : plain);
    for (const Reader reader : {Reader::at_part_end, Reader::anywhere}) {
      for (const std::string& path : quantized) {
        INFO("quantized " << path);
        REQUIRE_FALSE(leaves_out(reader, entries, path));
      }
      for (const std::string& path : skipped) {
        INFO("skipped " << path);
        const bool both = std::find(quantized.begin(), quantized.end(), path) != quantized.end();
        REQUIRE(leaves_out(reader, entries, path) != both);
      }
    }
  }
  CHECK(plain > 1000);
  CHECK(exact > 1000);
}

TEST_CASE("an entry is an expression only where the plain path would catch a quantized module") {
  std::mt19937 random(51);
  for (int round = 0; round < 5000; ++round) {
    const std::string path = "m." + std::to_string(random() % 12) + ".fc";
    std::vector<std::string> quantized;
    for (auto i = random() % 6; i > 0; --i) {
      quantized.push_back((random() % 3 == 0 ? "n.m." : "m.") + std::to_string(random() % 12) +
                          ".fc" +
                          (random() % 3 == 0   ? "2"
                           : random() % 2 == 0 ? ".x"
                                               : "_"));
    }
    const bool catches = leaves_out(Reader::anywhere, {path}, "") ||
                         std::any_of(quantized.begin(), quantized.end(), [&](const auto& other) {
                           return leaves_out(Reader::anywhere, {path}, other);
                         });
    REQUIRE((entries_for({path}, quantized).front() == path) != catches);
  }
}

TEST_CASE("a very long path is no burden") {
  std::string path;
  for (int i = 0; i < 200000; ++i) path += "a.";
  CHECK(entries_for({path}, {path + "b"}).front().ends_with("\\Z"));
  CHECK(entries_for({path + "c"}, {path + "b"}).front() == path + "c");
}
