#include "plan/plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "plan/align.hpp"
#include "plan/components.hpp"
#include "plan/make_plan.hpp"
#include "plan/placement.hpp"
#include "random_plans.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;

namespace {

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

TEST_CASE("there is one output a blueprint, in their order, with its name, shape and format") {
  on_random_plans(10, 60, [](const Asked& asked, const Plan& plan) {
    REQUIRE(plan.outputs.size() == asked.blueprints.tensors.size());
    REQUIRE(plan.views.size() == plan.outputs.size());
    REQUIRE(plan.scales.size() == asked.catalogue.tensors.size());
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      const OutputTensor& output = plan.outputs[i];
      const Blueprint& tensor = asked.blueprints.tensors[i];
      const bool scaled = scales_of(asked.blueprints, tensor) != nullptr;
      const Treatment& treatment = asked.request.treatments[i];
      REQUIRE(output.name == tensor.name);
      REQUIRE(output.shape == tensor.view.shape());
      REQUIRE(output.source_dtype == tensor.dtype);
      REQUIRE(output.format == treatment.format);
      REQUIRE(output.device < asked.request.devices.size());
      const Stock stock{tensor.dtype, scaled, output.shape.size()};
      REQUIRE(output.dtype == work_for(stock, treatment).working);
      REQUIRE(output.scaled == (scaled && treatment.format.kind != codecs::FormatKind::keep));
      REQUIRE(output.source_bytes == tensor.view.elements() * bits_of(tensor.dtype) / 8);
      std::set<std::uint32_t> sources;
      for (const views::StridedBox& box : tensor.view.boxes()) sources.insert(box.source);
      REQUIRE(output.parts == sources.size());
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
