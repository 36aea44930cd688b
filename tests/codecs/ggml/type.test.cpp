#include "codecs/ggml/type.hpp"

#include "catch.hpp"

using namespace plimsoll::codecs::ggml;

TEST_CASE("a tensor type is known by its id and by its name in any case") {
  CHECK(type_of(12u) == Type::q4_k);
  CHECK(type_of("Q4_K") == Type::q4_k);
  CHECK(type_of("iq3_XXS") == Type::iq3_xxs);
  CHECK(traits_of(Type::q4_k).name == "q4_K");
}

TEST_CASE("removed and unknown tensor types are none") {
  for (const std::uint32_t id : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 0xFFFFFFFFu}) {
    CHECK_FALSE(type_of(id).has_value());
  }
  CHECK_FALSE(type_of("q4_k_m").has_value());
  CHECK_FALSE(type_of("").has_value());
}

TEST_CASE("plain types are blocks of one element") {
  CHECK_FALSE(is_block_type(Type::bf16));
  CHECK(is_block_type(Type::q8_0));
  CHECK(traits_of(Type::nvfp4).block_elements == 64);
  CHECK(traits_of(Type::nvfp4).block_bytes == 36);
}
