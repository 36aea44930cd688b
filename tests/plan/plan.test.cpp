#include "plan/plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/byte_source.hpp"
#include "plan/align.hpp"
#include "plan/make_plan.hpp"
#include "plan/placement.hpp"
#include "plan/unit_sizes.hpp"
#include "random_plans.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;

namespace {

std::uint64_t width_of(Dtype dtype) {
  return std::max(bits_of(dtype) / 8, 1u);
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
