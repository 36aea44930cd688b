#include "plan/packed_sources.hpp"

#include "catch.hpp"
#include "plan/make_plan.hpp"
#include "random_plans.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::ggml::Type;

namespace {

/// One tensor of blocks whose rows lie in another order, head by head.
io::Catalogue rotary_in_blocks(Type type, std::uint64_t heads, std::uint64_t columns) {
  constexpr std::uint64_t pairs = 64;
  const codecs::ggml::Traits& traits = codecs::ggml::traits_of(type);
  const std::uint64_t rows = heads * pairs * 2;
  io::TensorEntry entry;
  entry.name = "q_proj.weight";
  entry.shape = {rows, columns};
  entry.blocks = type;
  entry.bytes = rows * columns / traits.block_elements * traits.block_bytes;
  entry.order = 1;
  io::Catalogue catalogue;
  catalogue.format = io::ContainerFormat::gguf;
  catalogue.files = {{"m.gguf", entry.bytes}};
  catalogue.tensors = {entry};
  catalogue.orders = {{{heads, pairs, 2, columns}, {0, 2, 1, 3}}};
  return catalogue;
}

}  // namespace

TEST_CASE("short rows of blocks that lie in another order are read together") {
  const io::Catalogue catalogue = rotary_in_blocks(Type::q4_k, 8, 2048);
  PlanRequest request;
  request.treatments = {{codecs::Format{codecs::FormatKind::bf16}, std::nullopt}};
  const auto plan = plan_as_stored(catalogue, request);
  REQUIRE(plan.has_value());
  // A row of 2048 elements has 1152 bytes: not worth a read of its own.
  for (const Unit& unit : plan->units) CHECK(unit.read_count == 1);
  CHECK(plan->units[0].route.rearrange);
}

TEST_CASE("blocks that nothing decodes are refused, not planned, unless they are kept") {
  io::Catalogue catalogue = rotary_in_blocks(Type::q8_1, 1, 256);
  catalogue.tensors[0].order = 0;
  PlanRequest request;
  request.treatments = {{codecs::Format{codecs::FormatKind::bf16}, std::nullopt}};
  const auto decoded = plan_as_stored(catalogue, request);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().code() == ErrorCode::unsupported);
  CHECK(decoded.error().file() == "m.gguf");
  CHECK(decoded.error().tensor() == "q_proj.weight");
  request.treatments = {{}};
  CHECK(plan_as_stored(catalogue, request).has_value());
}
