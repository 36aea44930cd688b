#include "plan/unit_sizes.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "codecs/cast.hpp"
#include "plan/align.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

namespace {

constexpr Format keep{};
constexpr Format nf4{FormatKind::nf4, codecs::Nf4Variant::cuda, 64};
constexpr Format to_bf16{FormatKind::bf16};

Dtype dtype_at(int i) {
  return static_cast<Dtype>(i);
}

std::vector<Format> all_formats() {
  return {keep,
          to_bf16,
          {FormatKind::f16},
          {FormatKind::f32},
          nf4,
          {FormatKind::nf4, codecs::Nf4Variant::cpu, 4096}};
}

}  // namespace

TEST_CASE(
    "every dtype can be kept, and nothing but reals of whole bytes can become anything else") {
  for (int i = 0; i < dtype_count; ++i) {
    const Dtype dtype = dtype_at(i);
    INFO(name_of(dtype));
    CHECK(can_make(dtype, keep));
    const bool real = is_floating_point(dtype) && bits_of(dtype) >= 8;
    for (const Format& format : all_formats()) {
      if (format.kind != FormatKind::keep) CHECK(can_make(dtype, format) == real);
    }
  }
}

TEST_CASE("a route has the stages that a dtype needs on its way to a format") {
  const Work kept = work_for(Dtype::f4_e2m1, keep);
  CHECK(is_kept(kept));
  CHECK(kept.working == Dtype::f4_e2m1);

  const Work same = work_for(Dtype::bf16, to_bf16);
  CHECK(is_kept(same));

  const Work cast = work_for(Dtype::f32, to_bf16);
  CHECK(cast.route.convert);
  CHECK_FALSE((cast.route.decode || cast.route.quantize));
  CHECK(cast.block == 1);

  for (const Dtype plain : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
    const Work quantized = work_for(plain, nf4);
    CHECK(quantized.route.quantize);
    CHECK_FALSE((quantized.route.decode || quantized.route.convert));
    CHECK(quantized.working == plain);
    CHECK(quantized.block == 64);
  }
}

TEST_CASE("numbers the quantizer does not read are decoded to ones it does") {
  for (const Dtype small :
       {Dtype::f8_e4m3, Dtype::f8_e5m2, Dtype::f8_e4m3fnuz, Dtype::f8_e5m2fnuz, Dtype::f8_e8m0}) {
    const Work work = work_for(small, nf4);
    CHECK(work.route.decode);
    CHECK(work.working == Dtype::bf16);
    CHECK(codecs::can_cast(small, work.working));
  }
  const Work wide = work_for(Dtype::f64, nf4);
  CHECK(wide.route.decode);
  CHECK(wide.working == Dtype::f32);
}

TEST_CASE("a unit is whole blocks and as many as the unit bytes hold, but one at least") {
  for (int i = 0; i < dtype_count; ++i) {
    for (const Format& format : all_formats()) {
      const Dtype dtype = dtype_at(i);
      if (!can_make(dtype, format)) continue;
      const Work work = work_for(dtype, format);
      for (const std::uint64_t bytes : {1u, 100u, 4096u, 65536u, 100000u, 1u << 20}) {
        const std::uint64_t elements = unit_elements(dtype, work, bytes);
        INFO(name_of(dtype) << ", " << bytes << " bytes, block " << work.block);
        CHECK(elements > 0);
        CHECK(elements % work.block == 0);
        const std::uint64_t widest =
            is_kept(work) ? 1 : std::max(bits_of(dtype), bits_of(work.working)) / 8;
        CHECK((elements * widest <= bytes || elements == work.block));
        CHECK((elements + work.block) * widest > bytes);
      }
    }
  }
}

TEST_CASE("a kept tensor is counted in bytes, any other in elements") {
  CHECK(work_elements(Dtype::f32, work_for(Dtype::f32, keep), 40) == 40);
  CHECK(work_elements(Dtype::f4_e2m1, work_for(Dtype::f4_e2m1, keep), 3) == 3);
  CHECK(work_elements(Dtype::f32, work_for(Dtype::f32, nf4), 40) == 10);
  CHECK(work_elements(Dtype::f64, work_for(Dtype::f64, to_bf16), 40) == 5);
}

TEST_CASE("a slot has room for its source at any alignment and for what it decodes to") {
  CHECK(slot_bytes(Dtype::bf16, work_for(Dtype::bf16, keep), 1000) == 0);
  CHECK(slot_bytes(Dtype::bf16, work_for(Dtype::bf16, nf4), 2048) == 4096 + 4096);
  CHECK(slot_bytes(Dtype::bf16, work_for(Dtype::bf16, nf4), 2049) == 8192 + 4096);
  CHECK(slot_bytes(Dtype::f32, work_for(Dtype::f32, to_bf16), 1024) == 4096 + 4096);
  CHECK(slot_bytes(Dtype::f8_e4m3, work_for(Dtype::f8_e4m3, nf4), 4096) == 4096 + 4096 + 8192);
  CHECK(slot_bytes(Dtype::f64, work_for(Dtype::f64, nf4), 512) == 4096 + 4096 + 4096);
  CHECK(decoded_offset(4096) == 8192);
  CHECK(decoded_offset(1) == 8192);
}

TEST_CASE("an output buffer holds a unit's pieces, each aligned, in whole pages") {
  CHECK(absmax_offset(128) == 64);
  CHECK(absmax_offset(129) == 128);
  CHECK(absmax_offset(0) == 0);
  const Work quantized = work_for(Dtype::bf16, nf4);
  // 8192 elements: 4096 bytes of codes and 128 scales.
  CHECK(unit_output_bytes(quantized, nf4, 8192) == align_up(4096 + 128 * 4, page_size));
  const Work cast = work_for(Dtype::f32, to_bf16);
  CHECK(unit_output_bytes(cast, to_bf16, 2048) == 4096);
  CHECK(unit_output_bytes(cast, to_bf16, 2049) == 8192);
  const Work kept = work_for(Dtype::i64, keep);
  CHECK(unit_output_bytes(kept, keep, 4096) == 8192);
}

TEST_CASE("even a unit of nothing has an output buffer to travel in") {
  CHECK(unit_output_bytes(work_for(Dtype::bf16, nf4), nf4, 0) == page_size);
  CHECK(unit_output_bytes(work_for(Dtype::f32, to_bf16), to_bf16, 0) == page_size);
  CHECK(unit_output_bytes(work_for(Dtype::u8, keep), keep, 0) == page_size);
}

TEST_CASE("sizes never shrink when a unit grows") {
  for (int i = 0; i < dtype_count; ++i) {
    for (const Format& format : all_formats()) {
      const Dtype dtype = dtype_at(i);
      if (!can_make(dtype, format)) continue;
      const Work work = work_for(dtype, format);
      std::uint64_t slot = 0;
      std::uint64_t output = 0;
      for (std::uint64_t elements = 0; elements < 20000; elements += 61) {
        REQUIRE(slot_bytes(dtype, work, elements) >= slot);
        REQUIRE(unit_output_bytes(work, format, elements) >= output);
        slot = slot_bytes(dtype, work, elements);
        output = unit_output_bytes(work, format, elements);
      }
    }
  }
}
