#include "plan/make_plan.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "codecs/nf4.hpp"
#include "io/byte_source.hpp"
#include "io/quant_state.hpp"
#include "plan/align.hpp"
#include "plan/placement.hpp"
#include "random_catalogue.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

namespace {

constexpr Format nf4{FormatKind::nf4};

std::uint64_t width_of(Dtype dtype) {
  return std::max(bits_of(dtype) / 8, 1u);
}

/// A plan for one tensor with defaults for the rest.
Plan plan_of(Dtype dtype, io::Shape shape, const Format& format, Sink sink = Sink::memory,
             std::uint64_t offset = 64) {
  CatalogueBuilder builder;
  builder.next_file(offset);
  builder.add("w.weight", dtype, std::move(shape));
  PlanRequest request;
  request.formats = {format};
  request.sink = sink;
  auto plan = make_plan(builder.take(), request);
  REQUIRE(plan);
  return std::move(*plan);
}

/// Runs `check(asked, plan)` on random plans for every sink.
template <class Check>
void on_random_plans(std::uint32_t seed, int rounds, Check check) {
  RandomAsked random(seed);
  for (int round = 0; round < rounds; ++round) {
    for (const Sink sink : all_sinks) {
      const Asked asked = random(sink);
      const auto plan = make_plan(asked.catalogue, asked.request);
      INFO("round " << round << ", sink " << static_cast<int>(sink));
      REQUIRE(plan);
      check(asked, *plan);
    }
  }
}

/// Byte ranges that must not touch each other.
class Ranges {
 public:
  /// False if the range overlaps one that was added before.
  bool add(std::uint64_t begin, std::uint64_t bytes) {
    if (bytes == 0) return true;
    const auto next = ranges_.lower_bound(begin);
    if (next != ranges_.end() && next->first < begin + bytes) return false;
    if (next != ranges_.begin() && std::prev(next)->second > begin) return false;
    ranges_[begin] = begin + bytes;
    return true;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

}  // namespace

TEST_CASE("there is one output a catalogue tensor, in file order, with its name and shape") {
  on_random_plans(10, 60, [](const Asked& asked, const Plan& plan) {
    REQUIRE(plan.outputs.size() == asked.catalogue.tensors.size());
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      const OutputTensor& output = plan.outputs[i];
      const io::TensorEntry& tensor = asked.catalogue.tensors[i];
      REQUIRE(output.source == i);
      REQUIRE(output.file == tensor.file);
      REQUIRE(output.name == tensor.name);
      REQUIRE(output.shape == tensor.shape);
      REQUIRE(output.source_dtype == tensor.dtype);
      REQUIRE(output.format == asked.request.formats[i]);
      REQUIRE(output.device < asked.request.devices.size());
    }
  });
}

TEST_CASE("the units of a tensor tile it in order, in whole blocks, none too big") {
  on_random_plans(11, 120, [](const Asked& asked, const Plan& plan) {
    std::size_t ticket = 0;
    for (std::uint32_t i = 0; i < plan.outputs.size(); ++i) {
      const OutputTensor& output = plan.outputs[i];
      const Work work = work_for(output.source_dtype, output.format);
      const std::uint64_t widest =
          is_kept(work) ? 1 : std::max(width_of(output.source_dtype), width_of(work.working));
      REQUIRE(output.first_unit == ticket);
      REQUIRE(output.unit_count >= 1);
      std::uint64_t next = 0;
      for (std::uint32_t u = 0; u < output.unit_count; ++u, ++ticket) {
        const Unit& unit = plan.units[ticket];
        REQUIRE(unit.output == i);
        REQUIRE(unit.first_element == next);
        REQUIRE(next % work.block == 0);
        REQUIRE((unit.elements > 0 || output.unit_count == 1));
        REQUIRE((unit.elements * widest <= plan.unit_bytes || unit.elements <= work.block));
        REQUIRE(unit.route.decode == work.route.decode);
        REQUIRE(unit.route.convert == work.route.convert);
        REQUIRE(unit.route.quantize == work.route.quantize);
        next += unit.elements;
      }
      const io::TensorEntry& tensor = asked.catalogue.tensors[output.source];
      REQUIRE(next == (is_kept(work) ? tensor.bytes : io::element_count(tensor.shape)));
    }
    REQUIRE(ticket == plan.units.size());
  });
}

TEST_CASE("units read every byte of a tensor once, and nothing outside it") {
  on_random_plans(12, 120, [](const Asked& asked, const Plan& plan) {
    for (const OutputTensor& output : plan.outputs) {
      const io::TensorEntry& tensor = asked.catalogue.tensors[output.source];
      std::uint64_t at = tensor.offset;
      for (std::uint32_t u = 0; u < output.unit_count; ++u) {
        const Unit& unit = plan.units[output.first_unit + u];
        REQUIRE(unit.source_offset == at);
        at += unit.source_bytes;
      }
      REQUIRE(at == tensor.offset + tensor.bytes);
    }
  });
}

TEST_CASE("a read and its aligned surroundings lie inside the slot, decoded numbers behind them") {
  on_random_plans(13, 120, [](const Asked&, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      if (!unit.route.decode && !unit.route.convert && !unit.route.quantize) continue;
      const OutputTensor& output = plan.outputs[unit.output];
      const DeviceLine& device = plan.devices[output.device];
      const std::uint64_t end = align_up(unit.landing + unit.source_bytes, io::direct_alignment);
      REQUIRE(unit.landing % width_of(output.source_dtype) == 0);
      REQUIRE(unit.padded == (unit.source_offset % width_of(output.source_dtype) == 0));
      if (unit.padded) {
        REQUIRE(unit.landing == unit.source_offset % io::direct_alignment);
      } else {
        REQUIRE(unit.landing == 0);
      }
      REQUIRE(end <= device.slot_bytes);
      if (unit.route.decode) {
        const Work work = work_for(output.source_dtype, output.format);
        const std::uint64_t decoded = decoded_offset(unit.source_bytes);
        REQUIRE(decoded % page_size == 0);
        REQUIRE(end <= decoded);
        REQUIRE(decoded + unit.elements * width_of(work.working) <= device.slot_bytes);
      }
    }
  });
}

TEST_CASE("a kept unit takes no slot: it is read into final memory or an output buffer") {
  on_random_plans(14, 120, [](const Asked& asked, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      if (unit.route.decode || unit.route.convert || unit.route.quantize) continue;
      const OutputTensor& output = plan.outputs[unit.output];
      if (asked.request.sink != Sink::checkpoint) {
        REQUIRE(unit.landing == 0);
        REQUIRE_FALSE(unit.padded);
        continue;
      }
      const std::uint64_t end = align_up(unit.landing + unit.source_bytes, io::direct_alignment);
      REQUIRE(end <= plan.devices[output.device].output_bytes);
      if (unit.padded) REQUIRE(unit.landing == unit.source_offset % io::direct_alignment);
    }
  });
}

TEST_CASE("components in memory are aligned, apart, and inside the final bytes") {
  on_random_plans(15, 120, [](const Asked& asked, const Plan& plan) {
    if (asked.request.sink != Sink::memory && asked.request.sink != Sink::caller) return;
    std::vector<Ranges> taken(plan.devices.size());
    std::vector<std::uint64_t> end(plan.devices.size(), 0);
    for (const OutputTensor& output : plan.outputs) {
      for (std::uint32_t c = 0; c < output.component_count; ++c) {
        const Component& component = plan.components[output.first_component + c];
        REQUIRE(component.address % component_alignment == 0);
        REQUIRE(taken[output.device].add(component.address, component.bytes));
        end[output.device] = std::max(end[output.device], component.address + component.bytes);
      }
    }
    for (std::size_t d = 0; d < plan.devices.size(); ++d) {
      REQUIRE(end[d] <= plan.devices[d].final_bytes);
      REQUIRE(plan.devices[d].final_bytes - end[d] < component_alignment);
    }
  });
}

TEST_CASE("a consumer's buffer holds all components of any one tensor") {
  on_random_plans(16, 60, [](const Asked& asked, const Plan& plan) {
    if (asked.request.sink != Sink::consumer) return;
    for (const OutputTensor& output : plan.outputs) {
      Ranges taken;
      for (std::uint32_t c = 0; c < output.component_count; ++c) {
        const Component& component = plan.components[output.first_component + c];
        REQUIRE(component.address % component_alignment == 0);
        REQUIRE(taken.add(component.address, component.bytes));
        REQUIRE(component.address + component.bytes <= output.buffer_bytes);
      }
      REQUIRE(output.buffer_bytes <= plan.devices[output.device].output_bytes);
    }
  });
}

TEST_CASE("in a checkpoint every component lies where the shards' layout says") {
  on_random_plans(17, 120, [](const Asked& asked, const Plan& plan) {
    if (asked.request.sink != Sink::checkpoint) {
      REQUIRE(plan.stored.empty());
      REQUIRE(plan.layout.shards.empty());
      return;
    }
    REQUIRE(plan.stored.size() == plan.components.size());
    REQUIRE(plan.layout.places.size() == plan.components.size());
    std::vector<Ranges> taken(plan.layout.shards.size());
    std::set<std::string> names;
    for (std::uint32_t i = 0; i < plan.outputs.size(); ++i) {
      const OutputTensor& output = plan.outputs[i];
      for (std::uint32_t c = 0; c < output.component_count; ++c) {
        const std::size_t at = output.first_component + c;
        const Component& component = plan.components[at];
        const io::StoredTensor& stored = plan.stored[at];
        REQUIRE(component.shard == plan.layout.places[at].shard);
        REQUIRE(component.address == plan.layout.places[at].offset);
        const io::ShardFile& shard = plan.layout.shards[component.shard];
        REQUIRE(component.address >= shard.header.size());
        REQUIRE(component.address + component.bytes <= shard.bytes);
        REQUIRE(taken[component.shard].add(component.address, component.bytes));
        REQUIRE(names.insert(stored.name).second);
        REQUIRE(stored.name == stored_name(output, component));
        REQUIRE(stored.dtype == component.dtype);
        REQUIRE(stored.shape == component.shape);
        REQUIRE(stored.bytes == component.bytes);
        REQUIRE(stored.group == i);
        REQUIRE(component.shard == plan.components[output.first_component].shard);
      }
    }
  });
}

TEST_CASE("a component has as many bytes as its shape and dtype say") {
  on_random_plans(18, 60, [](const Asked&, const Plan& plan) {
    for (const Component& component : plan.components) {
      REQUIRE(component.bytes * 8 == io::element_count(component.shape) * bits_of(component.dtype));
    }
  });
}

TEST_CASE("layers are on one device each, and devices count their units") {
  on_random_plans(19, 60, [](const Asked&, const Plan& plan) {
    std::map<std::string, std::uint16_t> device_of;
    std::vector<std::uint32_t> units(plan.devices.size(), 0);
    for (const OutputTensor& output : plan.outputs) {
      const auto [at, fresh] = device_of.emplace(std::string(layer_of(output.name)), output.device);
      REQUIRE((fresh || at->second == output.device));
      units[output.device] += output.unit_count;
    }
    for (std::size_t d = 0; d < plan.devices.size(); ++d) {
      REQUIRE(plan.devices[d].units == units[d]);
    }
  });
}

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
    request.formats.push_back(nf4);
  }
  const auto plan = make_plan(builder.take(), request);
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
  CHECK_FALSE((unit.route.decode || unit.route.convert || unit.route.quantize));
  CHECK(plan.devices.front().slot_bytes == 0);
  CHECK(plan.components.front().bytes == 126);
}

TEST_CASE("a tensor of nothing has one unit of nothing and components without bytes") {
  for (const Format& format : {Format{}, Format{FormatKind::bf16}, nf4}) {
    for (const Sink sink : all_sinks) {
      const Plan plan = plan_of(Dtype::f32, {4, 0, 4}, format, sink);
      REQUIRE(plan.units.size() == 1);
      CHECK(plan.units.front().elements == 0);
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
  CHECK(cast.units.front().elements == 1);
  const Plan quantized = plan_of(Dtype::f16, {}, nf4);
  CHECK(quantized.components[0].bytes == 1);
  CHECK(quantized.components[1].bytes == 4);
}

TEST_CASE("sub-byte numbers are kept byte for byte") {
  const Plan plan = plan_of(Dtype::f6_e2m3, {5, 8}, Format{}, Sink::memory, 13);
  CHECK(plan.components.front().bytes == 30);
  CHECK(plan.units.front().source_offset == 13);
  CHECK(plan.units.front().source_bytes == 30);
}

TEST_CASE("a tensor of more than 2^32 elements is cut without losing any") {
  const std::uint64_t elements = (std::uint64_t{1} << 33) + 3;
  const Plan plan = plan_of(Dtype::bf16, {elements}, nf4, Sink::checkpoint);
  CHECK(plan.outputs.front().unit_count == (elements * 2 + (1 << 20) - 1) / (1 << 20));
  CHECK(plan.components[0].bytes == elements / 2 + 1);
  CHECK(plan.components[1].bytes == (elements / 64 + 1) * 4);
  const Unit& last = plan.units.back();
  CHECK(last.first_element + last.elements == elements);
  CHECK(last.elements == 3);
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
    const auto plan = make_plan(io::Catalogue{}, request);
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
  good.formats = {nf4};
  REQUIRE(make_plan(catalogue, good));

  const auto code = [&](auto change) {
    PlanRequest request = good;
    change(request);
    const auto plan = make_plan(catalogue, request);
    REQUIRE_FALSE(plan);
    return plan.error().code();
  };
  CHECK(code([](PlanRequest& r) { r.devices.clear(); }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.devices.resize(70000); }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.formats.clear(); }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.slots = 0; }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.slots = 65537; }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.unit_bytes = 0; }) == ErrorCode::invalid_argument);
  CHECK(code([](PlanRequest& r) { r.unit_bytes = ~std::uint64_t{0}; }) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("a plan of absurdly many units is refused before it is built") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("huge", Dtype::u8, {std::uint64_t{1} << 60});
  PlanRequest request;
  request.formats = {Format{}};
  request.unit_bytes = std::uint64_t{1} << 32;
  const auto plan = make_plan(builder.take(), request);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == ErrorCode::invalid_argument);
  CHECK(plan.error().reason().find("268435456") != std::string::npos);
}

TEST_CASE(
    "a format that cannot be made from a tensor's numbers is an error that names the tensor") {
  CatalogueBuilder builder;
  builder.next_file(8);
  builder.add("counts", Dtype::i32, {64, 64});
  PlanRequest request;
  request.formats = {nf4};
  const auto plan = make_plan(builder.take(), request);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == ErrorCode::unsupported);
  CHECK(plan.error().tensor() == "counts");
  CHECK(plan.error().file() == "model-0.safetensors");
}
