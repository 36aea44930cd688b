#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "codecs/fp8.hpp"
#include "io/byte_source.hpp"
#include "plan/align.hpp"
#include "plan/plan.hpp"
#include "plan/unit_sizes.hpp"
#include "random_plans.hpp"
#include "views/source_ranges.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;

namespace {

std::vector<const Unit*> units_of(const Plan& plan, const OutputTensor& output, bool measuring) {
  std::vector<const Unit*> units;
  for (std::uint32_t u = 0; u < output.unit_count; ++u) {
    const Unit& unit = plan.units[output.first_unit + u];
    if (unit.route.measure == measuring) units.push_back(&unit);
  }
  return units;
}

/// The passes that a tensor's units make over it.
std::vector<std::vector<const Unit*>> passes_of(const Plan& plan, const OutputTensor& output) {
  std::vector<std::vector<const Unit*>> passes{units_of(plan, output, false)};
  if (output.merge == Merge::two_pass) passes.push_back(units_of(plan, output, true));
  return passes;
}

/// Calls with begin and end of each run of a region.
template <class Visit>
void for_each_row(const views::Region& region, Visit visit) {
  for (std::uint64_t row = 0; row < region.rows; ++row) {
    const std::uint64_t begin = region.first + row * region.row_stride;
    visit(begin, begin + region.columns);
  }
}

/// What units read of each source, in bytes of the file, joined where ranges touch; false if two
/// ranges overlap.
bool collect_reads(
    const Plan& plan, const std::vector<const Unit*>& units,
    std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>>& out) {
  for (const Unit* unit : units) {
    for (std::uint32_t i = 0; i < unit->read_count; ++i) {
      const Read& read = plan.reads[unit->first_read + i];
      out[read.source].push_back({read.offset, read.offset + read.bytes});
    }
  }
  for (auto& [source, ranges] : out) {
    std::sort(ranges.begin(), ranges.end());
    std::size_t kept = 0;
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[kept].second) return false;
      if (ranges[i].first == ranges[kept].second) {
        ranges[kept].second = ranges[i].second;
      } else {
        ranges[++kept] = ranges[i];
      }
    }
    ranges.resize(kept + 1);
  }
  return true;
}

}  // namespace

TEST_CASE("the units of each pass over a tensor hold every element once, in whole blocks") {
  on_random_plans(11, 120, [](const Asked&, const Plan& plan) {
    std::size_t ticket = 0;
    for (const OutputTensor& output : plan.outputs) {
      REQUIRE(output.first_unit == ticket);
      REQUIRE(output.unit_count >= 1);
      ticket += output.unit_count;
      const views::View& view = plan.views[&output - plan.outputs.data()];
      const std::uint64_t block =
          output.format.kind == codecs::FormatKind::nf4 ? output.format.blocksize : 1;
      for (const auto& units : passes_of(plan, output)) {
        std::vector<std::uint8_t> seen(view.elements(), 0);
        for (const Unit* unit : units) {
          REQUIRE(&plan.outputs[unit->output] == &output);
          REQUIRE((unit->region.elements() > 0 || units.size() == 1));
          for_each_row(unit->region, [&](std::uint64_t begin, std::uint64_t end) {
            REQUIRE(end <= seen.size());
            REQUIRE(begin % block == 0);
            REQUIRE((end % block == 0 || end == seen.size()));
            for (std::uint64_t i = begin; i < end; ++i) ++seen[i];
          });
        }
        REQUIRE(std::count(seen.begin(), seen.end(), 1) ==
                static_cast<std::ptrdiff_t>(seen.size()));
      }
    }
    REQUIRE(ticket == plan.units.size());
  });
}

TEST_CASE("each pass reads exactly the bytes that the result is made of, each once") {
  on_random_plans(12, 120, [](const Asked& asked, const Plan& plan) {
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      const OutputTensor& output = plan.outputs[i];
      const views::View& view = plan.views[i];
      const std::uint64_t width = element_bytes(output.source_dtype);
      for (const auto& units : passes_of(plan, output)) {
        std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>> read;
        REQUIRE(collect_reads(plan, units, read));
        std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>> needed;
        std::uint64_t bytes = 0;
        for (const views::SourceRange& range : views::source_ranges(view, 0, view.elements())) {
          const std::uint64_t begin =
              asked.catalogue.tensors[range.source].offset + range.first * width;
          needed[range.source].push_back({begin, begin + range.count * width});
          bytes += range.count * width;
        }
        REQUIRE(read == needed);
        REQUIRE(bytes == output.source_bytes);
      }
    }
  });
}

TEST_CASE("a unit's reads say where in their tensor and file they are, and add up") {
  on_random_plans(20, 60, [](const Asked& asked, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      const OutputTensor& output = plan.outputs[unit.output];
      const std::uint64_t width = element_bytes(output.source_dtype);
      std::uint64_t bytes = 0;
      for (std::uint32_t i = 0; i < unit.read_count; ++i) {
        const Read& read = plan.reads[unit.first_read + i];
        const io::TensorEntry& entry = asked.catalogue.tensors[read.source];
        REQUIRE(read.bytes > 0);
        REQUIRE(read.file == entry.file);
        REQUIRE(read.offset == entry.offset + read.first * width);
        REQUIRE(read.first * width + read.bytes <= entry.bytes);
        bytes += read.bytes;
      }
      REQUIRE(unit.source_bytes == bytes);
      REQUIRE(bytes == unit.region.elements() * width);
    }
  });
}

TEST_CASE("behind its numbers a unit reads the rows of scales that they lie under") {
  int scaled = 0;
  on_random_plans(21, 120, [&](const Asked& asked, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      if (!plan.outputs[unit.output].scaled) {
        REQUIRE(unit.scale_bytes == 0);
        continue;
      }
      ++scaled;
      std::uint64_t bytes = 0;
      for (std::uint32_t i = 0; i < unit.read_count; ++i) {
        const Read& numbers = plan.reads[unit.first_read + i];
        const Read& scales = plan.reads[unit.first_read + unit.read_count + i];
        const TileScales& tiles = *asked.blueprints.scales[numbers.source];
        const io::TensorEntry& stored = asked.catalogue.tensors[tiles.tensor];
        const io::Shape& shape = asked.catalogue.tensors[numbers.source].shape;
        const std::uint64_t row_bytes = stored.shape.back() * bits_of(stored.dtype) / 8;
        const std::uint64_t first = numbers.first / shape.back() / tiles.tile_rows;
        const std::uint64_t last =
            (numbers.first + numbers.bytes - 1) / shape.back() / tiles.tile_rows;
        REQUIRE(scales.source == tiles.tensor);
        REQUIRE(scales.file == stored.file);
        REQUIRE(scales.offset == stored.offset + first * row_bytes);
        REQUIRE(scales.bytes == (last - first + 1) * row_bytes);
        REQUIRE(scales.offset + scales.bytes <= stored.offset + stored.bytes);
        bytes += align_up(scales.bytes, component_alignment);
      }
      REQUIRE(unit.scale_bytes == bytes);
    }
  });
  CHECK(scaled > 500);
}

TEST_CASE("a unit has the stages of its tensor, and is rearranged where reads are out of order") {
  int rearranged_units = 0;
  on_random_plans(22, 120, [&](const Asked& asked, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      const OutputTensor& output = plan.outputs[unit.output];
      const Blueprint& tensor = asked.blueprints.tensors[unit.output];
      const bool scaled = scales_of(asked.blueprints, tensor) != nullptr;
      const Work work = work_for({tensor.dtype, scaled, tensor.view.shape().size()},
                                 asked.request.treatments[unit.output]);
      const Route& route = unit.route;
      REQUIRE(route.quantize == (work.route.quantize && !route.measure));
      if (route.rearrange) {
        ++rearranged_units;
        REQUIRE_FALSE(route.measure);
        REQUIRE((route.convert || route.quantize));
        continue;
      }
      REQUIRE(route.decode == work.route.decode);
      REQUIRE(route.convert == work.route.convert);
      if (route.measure) continue;  // any order will do
      std::uint64_t place = 0;
      std::vector<views::SourceRange> in_order;
      const std::uint64_t width = element_bytes(output.source_dtype);
      for (std::uint32_t i = 0; i < unit.read_count; ++i) {
        const Read& read = plan.reads[unit.first_read + i];
        in_order.push_back({read.source, place, read.bytes / width});
        place += read.bytes / width;
      }
      views::for_each_copy(
          plan.views[unit.output], unit.region, [&](const views::StridedBox& copy) {
            const auto range =
                std::find_if(in_order.begin(), in_order.end(), [&](const views::SourceRange& one) {
                  return copy.result_offset >= one.first &&
                         copy.result_offset < one.first + one.count;
                });
            REQUIRE(range != in_order.end());
            const Read& read =
                plan.reads[unit.first_read + static_cast<std::uint32_t>(range - in_order.begin())];
            REQUIRE(read.source == copy.source);
            REQUIRE(read.first + copy.result_offset - range->first == copy.source_offset);
          });
    }
  });
  CHECK(rearranged_units > 500);
}

TEST_CASE("the parts of a unit's slot follow each other and end inside its slots") {
  on_random_plans(13, 120, [](const Asked&, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      if (unit.slots == 0) continue;
      const OutputTensor& output = plan.outputs[unit.output];
      const SlotLayout slot = slot_layout(output.stored, output.dtype, unit.route,
                                          unit.region.elements(), unit.scale_bytes);
      const std::uint64_t elements = unit.region.elements();
      const std::uint64_t width = element_bytes(output.source_dtype);
      if (unit.padded) {
        REQUIRE(unit.read_count == 1);
        REQUIRE(unit.landing == plan.reads[unit.first_read].offset % io::direct_alignment);
      } else {
        REQUIRE(unit.landing == 0);
      }
      REQUIRE(unit.landing % width == 0);
      const std::uint64_t landed = unit.landing + unit.source_bytes;
      REQUIRE((unit.padded ? align_up(landed, io::direct_alignment) : landed) <= slot.scales);
      REQUIRE(slot.scales + unit.scale_bytes <= slot.decoded);
      const std::uint64_t decoded = unit.route.decode ? elements * element_bytes(output.dtype) : 0;
      REQUIRE(slot.decoded + decoded <= slot.arranged);
      const std::uint64_t one =
          element_bytes(unit.route.decode ? output.dtype : output.source_dtype);
      REQUIRE(slot.arranged + (unit.route.rearrange ? elements * one : 0) <= slot.bytes);
      for (const std::uint64_t part : {slot.scales, slot.decoded, slot.arranged}) {
        REQUIRE(part % component_alignment == 0);
      }
      REQUIRE(slot.bytes <= unit.slots * plan.devices[output.device].slot_bytes);
    }
  });
}

TEST_CASE("a unit on its own takes one slot, and a gather no more than there are") {
  int gathers = 0;
  on_random_plans(23, 120, [&](const Asked& asked, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      const OutputTensor& output = plan.outputs[unit.output];
      REQUIRE((unit.slots == 0) == unit.route.is_kept());
      if (output.format.kind == codecs::FormatKind::keep) {
        REQUIRE((unit.slots == 0) == !unit.route.rearrange);
      }
      REQUIRE(unit.slots <= plan.devices[output.device].slots);
      if (output.merge != Merge::gather) {
        REQUIRE(unit.slots <= 1);
        continue;
      }
      REQUIRE(output.unit_count == 1);
      gathers += unit.slots > 1;
      REQUIRE(asked.request.merge != MergeMethod::two_pass);
      REQUIRE(asked.request.merge != MergeMethod::fold);
    }
  });
  CHECK(gathers > 50);
}

TEST_CASE("two passes measure first, and what they measured is waited for once") {
  int two_passes = 0;
  on_random_plans(24, 120, [&](const Asked& asked, const Plan& plan) {
    std::vector<std::uint32_t> states(plan.devices.size(), 0);
    for (const OutputTensor& output : plan.outputs) {
      const bool two_pass = output.merge == Merge::two_pass;
      two_passes += two_pass;
      if (two_pass) {
        REQUIRE(output.format.kind == codecs::FormatKind::fp8_tensor);
        REQUIRE(asked.request.merge != MergeMethod::gather);
        REQUIRE(output.state == states[output.device]++);
        REQUIRE(output.measuring_units * 2 == output.unit_count);
      } else {
        REQUIRE(output.measuring_units == 0);
      }
      for (std::uint32_t u = 0; u < output.unit_count; ++u) {
        const Unit& unit = plan.units[output.first_unit + u];
        REQUIRE(unit.route.measure == (u < output.measuring_units));
        REQUIRE(unit.waits == (two_pass && u == output.measuring_units));
        if (unit.route.measure) {
          REQUIRE(unit.region == plan.units[output.first_unit + output.measuring_units + u].region);
        }
      }
    }
    for (std::size_t d = 0; d < states.size(); ++d) {
      REQUIRE(states[d] * sizeof(float) <= plan.devices[d].state_bytes);
    }
  });
  CHECK(two_passes > 50);
}

TEST_CASE("a kept unit is read into final memory, or with its surroundings into an output buffer") {
  on_random_plans(14, 120, [](const Asked& asked, const Plan& plan) {
    for (const Unit& unit : plan.units) {
      if (!unit.route.is_kept()) continue;
      const OutputTensor& output = plan.outputs[unit.output];
      if (asked.request.sink != Sink::checkpoint) {
        REQUIRE(unit.landing == 0);
        REQUIRE_FALSE(unit.padded);
        continue;
      }
      const std::uint64_t end = align_up(unit.landing + unit.source_bytes, io::direct_alignment);
      REQUIRE(end <= plan.devices[output.device].output_bytes);
      if (unit.padded) {
        REQUIRE(unit.landing == plan.reads[unit.first_read].offset % io::direct_alignment);
      }
    }
  });
}
