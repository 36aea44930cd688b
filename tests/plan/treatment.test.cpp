#include "plan/treatment.hpp"

#include <vector>

#include "catch.hpp"
#include "codecs/cast.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

namespace {

constexpr Treatment keep{};
constexpr Treatment nf4{{FormatKind::nf4, codecs::Nf4Variant::cuda, 64}, std::nullopt};
constexpr Treatment to_bf16{{FormatKind::bf16}, std::nullopt};
constexpr Treatment fp8_block{{FormatKind::fp8_block}, std::nullopt};
constexpr Treatment fp8_tensor{{FormatKind::fp8_tensor}, std::nullopt};

Dtype dtype_at(int i) {
  return static_cast<Dtype>(i);
}

std::vector<Treatment> all_treatments() {
  return {keep,
          to_bf16,
          {{FormatKind::f16}, std::nullopt},
          {{FormatKind::f32}, std::nullopt},
          nf4,
          {{FormatKind::nf4, codecs::Nf4Variant::cpu, 4096}, Dtype::f32},
          fp8_block,
          fp8_tensor,
          {{FormatKind::fp8_tensor}, Dtype::bf16}};
}

}  // namespace

TEST_CASE(
    "every dtype can be kept, and nothing but reals of whole bytes can become anything else") {
  for (int i = 0; i < dtype_count; ++i) {
    const Dtype dtype = dtype_at(i);
    INFO(name_of(dtype));
    CHECK(can_make({dtype}, keep));
    const bool real = is_floating_point(dtype) && bits_of(dtype) >= 8;
    for (const Treatment& treatment : all_treatments()) {
      if (treatment.format.kind != FormatKind::keep) CHECK(can_make({dtype}, treatment) == real);
    }
  }
}

TEST_CASE("tiles need two dimensions, and nothing else needs any") {
  for (std::size_t rank = 0; rank < 5; ++rank) {
    for (const Treatment& treatment : all_treatments()) {
      const bool tiled = treatment.format.kind == FormatKind::fp8_block;
      CHECK(can_make({Dtype::bf16, false, rank}, treatment) == (!tiled || rank >= 2));
    }
  }
}

TEST_CASE("what has scales becomes plain numbers of a dtype that numbers are computed in") {
  const Stock stock{Dtype::f8_e4m3, true, 2};
  for (const Treatment& treatment : all_treatments()) CHECK(can_make(stock, treatment));
  for (const Dtype wide : {Dtype::f64, Dtype::i32, Dtype::f8_e5m2}) {
    CHECK_FALSE(can_make(stock, {nf4.format, wide}));
  }
  const Work cast = work_for(stock, to_bf16);
  CHECK(cast.route.convert);
  CHECK(cast.working == Dtype::bf16);
  const Work quantized = work_for(stock, {nf4.format, Dtype::f32});
  CHECK((quantized.route.decode && quantized.route.quantize));
  CHECK(quantized.working == Dtype::f32);
  const Work kept = work_for(stock, keep);
  CHECK(kept.route.is_kept());
  CHECK(kept.working == Dtype::f8_e4m3);
}

TEST_CASE("integers of the other byte order can only be kept") {
  const Stock stock{Dtype::i32, true, 2};
  for (const Treatment& treatment : all_treatments()) {
    CHECK(can_make(stock, treatment) == (treatment == keep));
  }
}

TEST_CASE("a route has the stages that a dtype needs on its way to a format") {
  const Work kept = work_for({Dtype::f4_e2m1}, keep);
  CHECK(kept.route.is_kept());
  CHECK(kept.working == Dtype::f4_e2m1);

  CHECK(work_for({Dtype::bf16}, to_bf16).route.is_kept());

  const Work cast = work_for({Dtype::f32}, to_bf16);
  CHECK(cast.route.convert);
  CHECK_FALSE((cast.route.decode || cast.route.quantize));
  CHECK(cast.block == 1);

  for (const Dtype plain : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
    const Work quantized = work_for({plain}, nf4);
    CHECK(quantized.route.quantize);
    CHECK_FALSE((quantized.route.decode || quantized.route.convert));
    CHECK(quantized.working == plain);
    CHECK(quantized.block == 64);
  }
}

TEST_CASE("what shares a scale stays together: a block, a tile, or a tensor") {
  const Work tiles = work_for({Dtype::bf16}, fp8_block);
  CHECK(tiles.tile == 128);
  CHECK(tiles.block == 1);
  CHECK_FALSE(tiles.one_scale);
  const Work whole = work_for({Dtype::bf16}, fp8_tensor);
  CHECK(whole.tile == 0);
  CHECK(whole.one_scale);
}

TEST_CASE("numbers the quantizer does not read are decoded to ones it does") {
  for (const Dtype small :
       {Dtype::f8_e4m3, Dtype::f8_e5m2, Dtype::f8_e4m3fnuz, Dtype::f8_e5m2fnuz, Dtype::f8_e8m0}) {
    const Work work = work_for({small}, nf4);
    CHECK(work.route.decode);
    CHECK(work.working == Dtype::bf16);
    CHECK(codecs::can_cast(small, work.working));
  }
  const Work wide = work_for({Dtype::f64}, nf4);
  CHECK(wide.route.decode);
  CHECK(wide.working == Dtype::f32);
  const Work asked = work_for({Dtype::bf16}, {nf4.format, Dtype::f32});
  CHECK(asked.route.decode);
  CHECK(asked.working == Dtype::f32);
}

TEST_CASE("a unit in another order is arranged on its way, after its scales are used up") {
  const Route kept = rearranged(work_for({Dtype::bf16}, keep).route, false);
  CHECK((kept.rearrange && kept.convert));
  CHECK_FALSE((kept.decode || kept.is_kept()));
  const Route cast = rearranged(work_for({Dtype::f32}, to_bf16).route, false);
  CHECK((cast.rearrange && cast.convert));
  CHECK_FALSE(cast.decode);
  const Route scaled = rearranged(work_for({Dtype::f8_e4m3, true}, to_bf16).route, true);
  CHECK((scaled.rearrange && scaled.convert && scaled.decode));
  const Route quantized = rearranged(work_for({Dtype::bf16}, nf4).route, false);
  CHECK((quantized.rearrange && quantized.quantize));
  CHECK_FALSE((quantized.convert || quantized.decode));
}

TEST_CASE("a unit that measures decodes, and neither arranges nor makes anything") {
  for (const bool scaled : {false, true}) {
    const Route route = work_for({Dtype::f8_e4m3, scaled}, fp8_tensor).route;
    const Route first = measuring(rearranged(route, scaled));
    CHECK((first.decode && first.measure));
    CHECK_FALSE((first.rearrange || first.convert || first.quantize || first.is_kept()));
  }
}
