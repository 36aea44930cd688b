#include "plan/make_plan.hpp"

#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "codecs/nf4.hpp"
#include "plan/components.hpp"
#include "random_plans.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

namespace {

constexpr Format nf4{FormatKind::nf4};

/// A plan for one tensor with defaults for the rest.
Plan plan_of(Dtype dtype, io::Shape shape, const Format& format, Sink sink = Sink::memory,
             std::uint64_t offset = 64) {
  CatalogueBuilder builder;
  builder.next_file(offset);
  builder.add("w.weight", dtype, std::move(shape));
  PlanRequest request;
  request.treatments = treatments_of({format});
  request.sink = sink;
  auto plan = plan_as_stored(builder.take(), request);
  REQUIRE(plan);
  return std::move(*plan);
}

}  // namespace

TEST_CASE("the constants of a quantized tensor are what bitsandbytes stores") {
  const Plan plan = plan_of(Dtype::bf16, {3, 100}, nf4, Sink::checkpoint);
  REQUIRE(plan.components.size() == 4);
  const OutputTensor& output = plan.outputs.front();
  CHECK(output.dtype == Dtype::bf16);
  CHECK(plan.components[0].shape == io::Shape{150, 1});
  CHECK(plan.components[0].constant == no_constant);
  CHECK(plan.components[1].shape == io::Shape{5});
  CHECK(plan.components[1].constant == no_constant);
  CHECK(stored_name(output, plan.components[0]) == "w.weight");
  CHECK(stored_name(output, plan.components[1]) == "w.weight.absmax");
  CHECK(stored_name(output, plan.components[2]) == "w.weight.quant_map");
  CHECK(stored_name(output, plan.components[3]) == "w.weight.quant_state.bitsandbytes__nf4");

  const Component& map = plan.components[2];
  REQUIRE(map.constant != no_constant);
  CHECK(std::memcmp(plan.constants.data() + map.constant, codecs::nf4_values.data(), 64) == 0);
  CHECK(map.bytes == 64);
  const Component& state = plan.components[3];
  const std::string text =
      R"({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [3, 100]})";
  REQUIRE(state.constant + state.bytes <= plan.constants.size());
  CHECK(std::string(reinterpret_cast<const char*>(plan.constants.data()) + state.constant,
                    state.bytes) == text);
}

TEST_CASE("the values of the codes are kept once, however many tensors are quantized") {
  CatalogueBuilder builder;
  builder.next_file(8);
  PlanRequest request;
  for (int i = 0; i < 100; ++i) {
    builder.add("h." + std::to_string(i) + ".weight", Dtype::f16, {64, 64});
    request.treatments.push_back({nf4, std::nullopt});
  }
  const auto plan = plan_as_stored(builder.take(), request);
  REQUIRE(plan);
  std::set<std::uint64_t> maps;
  for (const Component& component : plan->components) {
    if (component.role == Role::quant_map) maps.insert(component.constant);
  }
  CHECK(maps.size() == 1);
}

TEST_CASE("eight-bit floats and F64 are decoded before they are quantized, and say so to readers") {
  const Plan small = plan_of(Dtype::f8_e4m3, {64, 64}, nf4);
  CHECK(small.units.front().route.decode);
  CHECK(small.outputs.front().dtype == Dtype::bf16);
  CHECK(small.devices.front().slot_bytes == 4096 + 4096 + 8192);

  const Plan wide = plan_of(Dtype::f64, {64, 64}, nf4);
  CHECK(wide.units.front().route.decode);
  CHECK(wide.outputs.front().dtype == Dtype::f32);
  const std::string constants(reinterpret_cast<const char*>(wide.constants.data()),
                              wide.constants.size());
  CHECK(constants.find(R"("dtype": "float32")") != std::string::npos);
}

TEST_CASE("a cast to the dtype that a tensor has already keeps its bytes") {
  const Plan plan = plan_of(Dtype::bf16, {7, 9}, Format{FormatKind::bf16});
  const Unit& unit = plan.units.front();
  CHECK(unit.route.is_kept());
  CHECK(plan.devices.front().slot_bytes == 0);
  CHECK(plan.components.front().bytes == 126);
}

TEST_CASE("a tensor of nothing has one unit of nothing and components without bytes") {
  for (const Format& format : {Format{}, Format{FormatKind::bf16}, nf4}) {
    for (const Sink sink : all_sinks) {
      const Plan plan = plan_of(Dtype::f32, {4, 0, 4}, format, sink);
      REQUIRE(plan.units.size() == 1);
      CHECK(plan.units.front().region.elements() == 0);
      CHECK(plan.units.front().source_bytes == 0);
      CHECK(plan.components.front().bytes == 0);
      const bool buffered = sink == Sink::consumer || sink == Sink::checkpoint;
      CHECK((plan.devices.front().outputs > 0) == buffered);
    }
  }
}

TEST_CASE("a tensor of rank 0 is one element") {
  const Plan kept = plan_of(Dtype::i64, {}, Format{});
  CHECK(kept.components.front().bytes == 8);
  const Plan cast = plan_of(Dtype::f64, {}, Format{FormatKind::f16});
  CHECK(cast.components.front().bytes == 2);
  CHECK(cast.units.front().region.elements() == 1);
  const Plan quantized = plan_of(Dtype::f16, {}, nf4);
  CHECK(quantized.components[0].bytes == 1);
  CHECK(quantized.components[1].bytes == 4);
}

TEST_CASE("sub-byte numbers are kept byte for byte") {
  const Plan plan = plan_of(Dtype::f6_e2m3, {5, 8}, Format{}, Sink::memory, 13);
  CHECK(plan.components.front().bytes == 30);
  REQUIRE(plan.reads.size() == 1);
  CHECK(plan.reads.front().offset == 13);
  CHECK(plan.units.front().source_bytes == 30);
}

TEST_CASE("a tensor of more than 2^32 elements is cut without losing any") {
  const std::uint64_t elements = (std::uint64_t{1} << 33) + 3;
  const Plan plan = plan_of(Dtype::bf16, {elements}, nf4, Sink::checkpoint);
  CHECK(plan.outputs.front().unit_count == (elements * 2 + (1 << 20) - 1) / (1 << 20));
  CHECK(plan.components[0].bytes == elements / 2 + 1);
  CHECK(plan.components[1].bytes == (elements / 64 + 1) * 4);
  const Unit& last = plan.units.back();
  CHECK(last.region.first + last.region.elements() == elements);
  CHECK(last.region.elements() == 3);
}

TEST_CASE("numbers that are not aligned in the file land aligned, without a direct read") {
  const Plan plan = plan_of(Dtype::f32, {64}, Format{FormatKind::bf16}, Sink::memory, 4099);
  CHECK_FALSE(plan.units.front().padded);
  CHECK(plan.units.front().landing == 0);
  const Plan aligned = plan_of(Dtype::f32, {64}, Format{FormatKind::bf16}, Sink::memory, 4100);
  CHECK(aligned.units.front().padded);
  CHECK(aligned.units.front().landing == 4);
}

TEST_CASE("a checkpoint without tensors has a plan without units") {
  for (const Sink sink : all_sinks) {
    PlanRequest request;
    request.sink = sink;
    const auto plan = plan_as_stored(io::Catalogue{}, request);
    REQUIRE(plan);
    CHECK(plan->units.empty());
    CHECK(plan->devices.front().load_line == 0);
  }
}

TEST_CASE("a request that makes no sense is refused") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("w", Dtype::f32, {64, 64});
  const io::Catalogue catalogue = builder.take();
  PlanRequest good;
  good.treatments = treatments_of({nf4});
  REQUIRE(plan_as_stored(catalogue, good));

  const auto code = [&](auto change) {
    PlanRequest request = good;
    change(request);
    const auto plan = plan_as_stored(catalogue, request);
    REQUIRE_FALSE(plan);
    return plan.error().code();
  };
  CHECK(code([](PlanRequest& r) { r.devices.clear(); }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.devices.resize(70000); }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.treatments.clear(); }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.slots = 0; }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.slots = 65537; }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.unit_bytes = 0; }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.unit_bytes = ~std::uint64_t{0}; }) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("a plan of absurdly many units is refused before it is built") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("huge", Dtype::u8, {std::uint64_t{1} << 48});
  PlanRequest request;
  request.treatments = treatments_of({Format{}});
  const auto plan = plan_as_stored(builder.take(), request);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == ErrorCode::invalid_argument);
  CHECK(plan.error().reason().find("268435456") != std::string::npos);
}

TEST_CASE("a checkpoint of more bytes than could be counted safely is refused") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("large", Dtype::f8_e4m3, {std::uint64_t{1} << 56});
  builder.add("last", Dtype::u8, {1});
  const io::Catalogue catalogue = builder.take();
  PlanRequest request;
  request.treatments = treatments_of({Format{FormatKind::f32}, Format{}});
  request.unit_bytes = largest_unit_bytes;
  const auto plan = plan_as_stored(catalogue, request);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == ErrorCode::unsupported);
  CHECK(plan.error().tensor() == "last");

  io::Catalogue at_limit = catalogue;
  at_limit.tensors.pop_back();
  request.treatments.pop_back();
  const auto largest = plan_as_stored(at_limit, request);
  REQUIRE(largest);
  CHECK(largest->devices.front().final_bytes == std::uint64_t{1} << 58);
}

TEST_CASE(
    "a format that cannot be made from a tensor's numbers is an error that names the tensor") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("counts", Dtype::i32, {64, 64});
  PlanRequest request;
  request.treatments = treatments_of({nf4});
  const auto plan = plan_as_stored(builder.take(), request);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == ErrorCode::unsupported);
  CHECK(plan.error().tensor() == "counts");
  CHECK(plan.error().file() == "model-0.safetensors");
}

TEST_CASE("a checkpoint with a name that its header has already is refused") {
  const auto refused = [](const std::string& other) {
    CatalogueBuilder builder;
    builder.next_file(64);
    builder.add("w.weight", Dtype::bf16, {64, 64});
    builder.add(other, Dtype::bf16, {64});
    PlanRequest request;
    request.treatments = treatments_of({nf4, Format{}});
    request.sink = Sink::checkpoint;
    const auto plan = plan_as_stored(builder.take(), request);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code() == ErrorCode::unsupported);
    CHECK(plan.error().file() == "model-0.safetensors");
    CHECK(plan.error().tensor() == other);
  };
  refused("w.weight.absmax");
  refused("__metadata__");
}
