#include "codecs/ggml/ftype.hpp"

#include <set>
#include <string>

#include "catch.hpp"

using namespace plimsoll::codecs::ggml;

TEST_CASE("every ftype is found by its name and by its id") {
  std::set<std::uint32_t> ids;
  for (const FtypeTraits& traits : all_ftypes()) {
    INFO(traits.name);
    CHECK(ftype_of(traits.name) == traits.ftype);
    CHECK(&traits_of(traits.ftype) == &traits);
    if (traits.ftype == Ftype::copy) continue;
    CHECK(ftype_of(std::to_string(traits.id)) == traits.ftype);
    CHECK(ids.insert(traits.id).second);
  }
}

TEST_CASE("names of ftypes are taken in any case, ids only whole") {
  CHECK(ftype_of("q4_k_m") == Ftype::q4_k_m);
  CHECK(ftype_of("Mxfp4_Moe") == Ftype::mxfp4_moe);
  CHECK(ftype_of("copy") == Ftype::copy);
  CHECK(ftype_of("0") == Ftype::f32);
  CHECK(ftype_of("15") == Ftype::q4_k_m);
  for (const char* word : {"", "4", "1024", "15x", "-1", "Q4", "Q4_K_", "nvfp4"}) {
    INFO(word);
    CHECK_FALSE(ftype_of(word).has_value());
  }
}

TEST_CASE("the name of a K type alone means its medium mixture") {
  CHECK(ftype_of("Q3_K") == Ftype::q3_k_m);
  CHECK(ftype_of("q4_K") == Ftype::q4_k_m);
  CHECK(ftype_of("q5_k") == Ftype::q5_k_m);
  CHECK(ftype_of("Q2_K") == Ftype::q2_k);
  CHECK(ftype_of("Q6_K") == Ftype::q6_k);
}

TEST_CASE("a target is an ftype where one has the name, else a type that can be made") {
  CHECK(type_target_of("q4_K") == TypeTarget(Ftype::q4_k_m));
  CHECK(type_target_of("q8_0") == TypeTarget(Ftype::q8_0));
  CHECK(type_target_of("NVFP4") == TypeTarget(Type::nvfp4));
  CHECK(type_target_of("q2_0") == TypeTarget(Type::q2_0));
  CHECK(type_target_of("mxfp4") == TypeTarget(Type::mxfp4));
  for (const char* word : {"q8_K", "q8_1", "i32", "f64", "nf4", ""}) {
    INFO(word);
    CHECK_FALSE(type_target_of(word).has_value());
  }
}

TEST_CASE("most tensors get the type of the target, and copies none") {
  CHECK(default_type_of(Ftype::q4_k_s) == Type::q4_k);
  CHECK(default_type_of(Ftype::iq2_s) == Type::iq2_xs);
  CHECK(default_type_of(Ftype::iq2_m) == Type::iq2_s);
  CHECK(default_type_of(Type::nvfp4) == Type::nvfp4);
  CHECK_FALSE(default_type_of(Ftype::copy).has_value());
}

TEST_CASE("a type that several ftypes have is called by the one that llama.cpp takes for it") {
  CHECK(file_type_id_of(Type::f32) == 0);
  CHECK(file_type_id_of(Type::bf16) == 32);
  CHECK(file_type_id_of(Type::q2_k) == 10);
  CHECK(file_type_id_of(Type::q3_k) == 12);
  CHECK(file_type_id_of(Type::q4_k) == 15);
  CHECK(file_type_id_of(Type::q5_k) == 17);
  CHECK(file_type_id_of(Type::iq2_xs) == 20);
  CHECK(file_type_id_of(Type::iq2_s) == 28);
  CHECK(file_type_id_of(Type::iq3_s) == 26);
  CHECK(file_type_id_of(Type::nvfp4) == 39);
  CHECK_FALSE(file_type_id_of(Type::q2_0).has_value());
  CHECK_FALSE(file_type_id_of(Type::i32).has_value());
}
