#include "config/recipe_text.hpp"

#include <utility>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;
using plimsoll::codecs::Nf4Variant;
using plimsoll::config::format_names;
using plimsoll::config::format_options;
using plimsoll::config::format_text;
using plimsoll::config::match_text;
using plimsoll::config::parse_format;
using plimsoll::config::parse_match;

TEST_CASE("a format is read with its options, in any case") {
  const Format nf4{.kind = FormatKind::nf4};
  const Format small{.kind = FormatKind::nf4, .variant = Nf4Variant::cpu, .blocksize = 32};
  CHECK(parse_format("keep")->kind == FormatKind::keep);
  CHECK(parse_format("bf16")->kind == FormatKind::bf16);
  CHECK(parse_format("f16")->kind == FormatKind::f16);
  CHECK(parse_format("f32")->kind == FormatKind::f32);
  CHECK(*parse_format("nf4") == nf4);
  CHECK(*parse_format(" NF4 ") == nf4);
  CHECK(*parse_format("nf4:variant=cuda,blocksize=64") == nf4);
  CHECK(*parse_format("nf4:blocksize=32,variant=cpu") == small);
  CHECK(*parse_format("Nf4: BlockSize = 32 , variant=CPU") == small);
}

TEST_CASE("a format's text is canonical and reads back") {
  CHECK(format_text({.kind = FormatKind::bf16}) == "bf16");
  CHECK(format_text(*parse_format("nf4:blocksize=64")) == "nf4");
  CHECK(format_text(*parse_format("nf4:variant=cpu,blocksize=128")) ==
        "nf4:blocksize=128,variant=cpu");
  for (std::string_view name : format_names()) CHECK(format_text(*parse_format(name)) == name);
  for (std::uint32_t size = 32; size <= 4096; size *= 2) {
    for (Nf4Variant variant : {Nf4Variant::cuda, Nf4Variant::cpu}) {
      const Format format{.kind = FormatKind::nf4, .variant = variant, .blocksize = size};
      CHECK(*parse_format(format_text(format)) == format);
    }
  }
}

TEST_CASE("only formats with options list some") {
  CHECK(format_options("nf4").size() == 2);
  CHECK(format_options("bf16").empty());
  CHECK(format_options("none such").empty());
}

TEST_CASE("a format that is not known, or not so, says what is wrong") {
  const std::pair<const char*, const char*> cases[] = {
      {"nf5", "did you mean \"nf4\"?"},
      {"bf61", "did you mean \"bf16\"?"},
      {"", "unknown format"},
      {"nf4:", "not of the form option=value"},
      {"nf4:blocksize", "not of the form option=value"},
      {"nf4:blocksize=64,", "not of the form option=value"},
      {"nf4:blokcsize=64", "did you mean \"blocksize\"?"},
      {"nf4:variant=gpu", "did you mean \"cpu\"?"},
      {"nf4:blocksize=63", "power of two"},
      {"nf4:blocksize=16", "power of two"},
      {"nf4:blocksize=8192", "power of two"},
      {"nf4:blocksize=-64", "power of two"},
      {"nf4:blocksize=64x", "power of two"},
      {"nf4:blocksize=99999999999999999999", "power of two"},
      {"nf4:blocksize=64,blocksize=64", "given twice"},
      {"bf16:blocksize=64", "takes no options"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    const auto format = parse_format(text);
    REQUIRE_FALSE(format.has_value());
    CHECK(format.error().code() == ErrorCode::invalid_argument);
    CHECK(format.error().reason().find(reason) != std::string::npos);
  }
}

TEST_CASE("a match splits at its last arrow, with or without blanks") {
  CHECK(parse_match("down_proj -> nf4:blocksize=128")->pattern == "down_proj");
  CHECK(parse_match("down_proj -> nf4:blocksize=128")->format.blocksize == 128);
  CHECK(parse_match("down_proj->bf16")->format.kind == FormatKind::bf16);
  CHECK(parse_match("  a b   ->   f32 ")->pattern == "a b");
  CHECK(parse_match("a->b -> keep")->pattern == "a->b");
  CHECK(match_text(*parse_match("a->b->KEEP")) == "a->b -> keep");
  CHECK(*parse_match(match_text(*parse_match("x$ -> nf4:variant=cpu"))) ==
        *parse_match("x$ -> nf4:variant=cpu"));
}

TEST_CASE("a match without an arrow, a pattern or a format is refused") {
  const std::pair<const char*, const char*> cases[] = {
      {"down_proj nf4", "REGEX -> FORMAT"},
      {"", "REGEX -> FORMAT"},
      {"-> nf4", "has no pattern"},
      {"   -> nf4", "has no pattern"},
      {"down_proj ->", "unknown format"},
      {"( -> nf4", "position"},
      {"down_proj -> fn4", "did you mean \"nf4\"?"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    const auto rule = parse_match(text);
    REQUIRE_FALSE(rule.has_value());
    CHECK(rule.error().code() == ErrorCode::invalid_argument);
    CHECK(rule.error().reason().find(reason) != std::string::npos);
  }
}
