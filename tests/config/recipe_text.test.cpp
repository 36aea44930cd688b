#include "config/recipe_text.hpp"

#include <utility>

#include "catch.hpp"

using plimsoll::ErrorCode;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;
using plimsoll::codecs::Fp8Recipe;
using plimsoll::codecs::Fp8Scale;
using plimsoll::codecs::Nf4Variant;
using plimsoll::config::format_names;
using plimsoll::config::format_options;
using plimsoll::config::format_text;
using plimsoll::config::match_text;
using plimsoll::config::parse_format;
using plimsoll::config::parse_match;
using plimsoll::config::parse_target;

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

TEST_CASE("block-wise FP8 is read with recipe and scale, FP8 of whole tensors without options") {
  const Format standard{.kind = FormatKind::fp8_block};
  CHECK(standard.recipe == Fp8Recipe::finegrained);
  CHECK(standard.scale == Fp8Scale::f32);
  CHECK(*parse_format("fp8-block") == standard);
  CHECK(*parse_format("FP8-Block:recipe=finegrained,scale=float") == standard);
  CHECK(parse_format("fp8-block:recipe=transformers")->recipe == Fp8Recipe::transformers);
  CHECK(parse_format("fp8-block:recipe=vllm")->recipe == Fp8Recipe::vllm);
  CHECK(parse_format("fp8-block: scale = UE8M0")->scale == Fp8Scale::ue8m0);
  CHECK(*parse_format("fp8-tensor") == Format{.kind = FormatKind::fp8_tensor});
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
  CHECK(format_text(*parse_format("fp8-block:scale=ue8m0,recipe=vllm")) ==
        "fp8-block:recipe=vllm,scale=ue8m0");
  for (Fp8Recipe recipe : {Fp8Recipe::finegrained, Fp8Recipe::transformers, Fp8Recipe::vllm}) {
    for (Fp8Scale scale : {Fp8Scale::f32, Fp8Scale::ue8m0}) {
      const Format format{.kind = FormatKind::fp8_block, .recipe = recipe, .scale = scale};
      CHECK(*parse_format(format_text(format)) == format);
    }
  }
}

TEST_CASE("a member that belongs to another format does not show") {
  CHECK(format_text({.kind = FormatKind::nf4, .recipe = Fp8Recipe::vllm}) == "nf4");
  CHECK(format_text({.kind = FormatKind::fp8_block, .blocksize = 128}) == "fp8-block");
  CHECK(format_text({.kind = FormatKind::fp8_tensor, .scale = Fp8Scale::ue8m0}) == "fp8-tensor");
}

TEST_CASE("only formats with options list some") {
  CHECK(format_options("nf4").size() == 2);
  REQUIRE(format_options("fp8-block").size() == 2);
  CHECK(format_options("fp8-block")[0] == "recipe=finegrained, transformers or vllm");
  CHECK(format_options("fp8-tensor").empty());
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
      {"nf4:variant=gpu", "unknown variant \"gpu\" (known: cuda, cpu); did you mean \"cpu\"?"},
      {"nf4:blocksize=63", "power of two"},
      {"nf4:blocksize=16", "power of two"},
      {"nf4:blocksize=8192", "power of two"},
      {"nf4:blocksize=-64", "power of two"},
      {"nf4:blocksize=64x", "power of two"},
      {"nf4:blocksize=99999999999999999999", "power of two"},
      {"nf4:blocksize=64,blocksize=64", "given twice"},
      {"bf16:blocksize=64", "takes no options"},
      {"fp8", "unknown format \"fp8\" (known: keep, bf16, f16, f32, nf4, fp8-block, fp8-tensor)"},
      {"fp8-blok", "did you mean \"fp8-block\"?"},
      {"fp8-block:blocksize=64", "unknown fp8-block option \"blocksize\" (known: recipe, scale)"},
      {"fp8-block:recipe=fine", "unknown recipe \"fine\" (known: finegrained"},
      {"fp8-block:scale=e8m0", "did you mean \"ue8m0\"?"},
      {"fp8-block:scale=float,scale=float", "given twice"},
      {"fp8-tensor:scale=float", "takes no options"},
      {"Q8_0:blocksize=64", "format \"q8_0\" takes no options"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    const auto format = parse_format(text);
    REQUIRE_FALSE(format.has_value());
    CHECK(format.error().code() == ErrorCode::invalid_argument);
    CHECK(format.error().reason().find(reason) != std::string::npos);
  }
}

TEST_CASE("a mixture takes no options, and the error does not call it unknown") {
  const auto target = parse_target("Q4_K_M:blocksize=64");
  REQUIRE_FALSE(target.has_value());
  CHECK(target.error().reason() == "format \"q4_k_m\" takes no options");
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

TEST_CASE("a target may be an ftype of GGUF models, a match a type of ggml, in any case") {
  using plimsoll::codecs::ggml::Ftype;
  using plimsoll::codecs::ggml::Type;
  CHECK(*parse_target("q4_k_m") == Format{.kind = FormatKind::ftype, .ftype = Ftype::q4_k_m});
  CHECK(*parse_target("Q8_0") == Format{.kind = FormatKind::ftype, .ftype = Ftype::q8_0});
  CHECK(*parse_target("nvfp4") == Format{.kind = FormatKind::ggml, .type = Type::nvfp4});
  CHECK(*parse_target("bf16") == Format{.kind = FormatKind::bf16});
  CHECK(*parse_format("Q8_0") == Format{.kind = FormatKind::ggml, .type = Type::q8_0});
  CHECK(*parse_format("q4_k") == Format{.kind = FormatKind::ggml, .type = Type::q4_k});
  CHECK(format_text(*parse_target("q4_k_m")) == "Q4_K_M");
  CHECK(format_text(*parse_format("Q4_k")) == "q4_K");
  for (const char* none : {"2", "q8_1", "i32", "Q4_K_X", ""}) {
    CHECK_FALSE(parse_target(none).has_value());
  }
  CHECK(parse_target("Q4_K_X").error().reason().find("did you mean \"Q4_K") != std::string::npos);
  CHECK(parse_format("Q4_K_M").error().reason().find("whole GGUF model") != std::string::npos);
}
