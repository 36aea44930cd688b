#include "plan/budget.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "plan/align.hpp"
#include "plan/pieces.hpp"
#include "random_plans.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using codecs::Format;
using codecs::FormatKind;

namespace {

/// What a unit needs of its slots: its bytes with an aligned read's surroundings, their scales,
/// what they decode to, and that in order. Written from the definition, not from plan/unit_sizes.
std::uint64_t slot_need(const Plan& plan, const Unit& unit) {
  if (unit.route.is_kept()) return 0;
  const OutputTensor& output = plan.outputs[unit.output];
  const std::uint64_t elements = unit.region.elements();
  const Dtype numbers = unit.route.decode ? output.dtype : output.source_dtype;
  std::uint64_t need = align_up(unit.source_bytes, 4096) + 4096 + unit.scale_bytes;
  if (unit.route.decode) need += align_up(elements * bits_of(output.dtype) / 8, 64);
  if (unit.route.rearrange) need += elements * bits_of(numbers) / 8;
  return align_up(need, 4096);
}

/// Whether the plan knows beforehand exactly what a tensor's units need.
bool is_exact(const Plan& plan, std::uint32_t output) {
  bool in_order = true;
  for (const views::StridedBox& box : plan.views[output].boxes()) {
    in_order &= box.axis_count == 0 || (box.axis_count == 1 && box.axes[0].source_stride == 1);
  }
  return in_order && !plan.outputs[output].scaled && plan.outputs[output].merge != Merge::gather;
}

std::uint64_t output_need(const Plan& plan, const Unit& unit) {
  const OutputTensor& output = plan.outputs[unit.output];
  std::uint64_t need = 0;
  if (plan.sink == Sink::consumer) {
    need = output.buffer_bytes;
  } else if (unit.route.is_kept()) {
    need = align_up(unit.source_bytes, 4096) + 4096;
  } else {
    for (const Piece& piece : pieces_of(plan, unit)) {
      need = std::max(need, piece.buffer_offset + piece.bytes());
    }
  }
  return std::max(align_up(need, 4096), std::uint64_t{4096});
}

std::uint64_t highest_line(const Plan& plan) {
  std::uint64_t highest = 0;
  for (const DeviceLine& device : plan.devices) highest = std::max(highest, device.load_line);
  return highest;
}

/// Slots, then unit bytes, then output buffers, then direct buffers: how far a plan was lowered.
struct Lowered {
  std::uint32_t slots = 0;
  std::uint64_t unit_bytes = 0;
  std::uint32_t outputs = 0;
  bool direct = true;

  explicit Lowered(const Plan& plan) : unit_bytes(plan.unit_bytes), direct(plan.direct_allowed) {
    for (const DeviceLine& device : plan.devices) {
      slots = std::max(slots, device.slots);
      outputs = std::max(outputs, device.outputs);
    }
  }
};

/// Two weights to be quantized and a kept tensor.
Asked dense(Sink sink) {
  Asked asked;
  CatalogueBuilder builder;
  builder.next_file(800);
  builder.add("h.0.weight", Dtype::bf16, {4096, 1024});
  builder.add("h.0.norm", Dtype::bf16, {4096});
  builder.add("h.1.weight", Dtype::bf16, {4096, 1000});
  asked.catalogue = builder.take();
  asked.blueprints = as_stored(asked.catalogue);
  asked.request.treatments =
      treatments_of({Format{FormatKind::nf4}, Format{}, Format{FormatKind::nf4}});
  asked.request.sink = sink;
  return asked;
}

}  // namespace

TEST_CASE(
    "a device's line is its final bytes, its slots, its output buffers and the read buffers") {
  RandomAsked random(40);
  for (int round = 0; round < 150; ++round) {
    for (const Sink sink : all_sinks) {
      const Asked asked = random(sink);
      const auto plan = plan_for(asked);
      REQUIRE(plan);
      std::vector<std::uint64_t> slot(plan->devices.size(), 0);
      std::vector<std::uint64_t> output(plan->devices.size(), 0);
      std::vector<bool> exact(plan->devices.size(), true);
      for (const Unit& unit : plan->units) {
        const std::uint16_t device = plan->outputs[unit.output].device;
        exact[device] = exact[device] && is_exact(*plan, unit.output);
        REQUIRE(unit.slots * plan->devices[device].slot_bytes >= slot_need(*plan, unit));
        if (unit.slots == 1) slot[device] = std::max(slot[device], slot_need(*plan, unit));
        output[device] = std::max(output[device], output_need(*plan, unit));
      }
      for (std::size_t d = 0; d < plan->devices.size(); ++d) {
        const DeviceLine& line = plan->devices[d];
        const bool buffered = sink == Sink::consumer || sink == Sink::checkpoint;
        REQUIRE(line.name == asked.request.devices[d]);
        REQUIRE(line.slots == asked.request.slots);
        REQUIRE(line.slot_bytes >= slot[d]);
        if (exact[d]) {
          REQUIRE(line.slot_bytes == slot[d]);
          REQUIRE(line.output_bytes == (buffered ? output[d] : 0));
        }
        REQUIRE(line.output_bytes >= (buffered ? output[d] : 0));
        const std::uint32_t outputs = sink == Sink::consumer ? 2 : 2 * asked.request.slots;
        REQUIRE(line.outputs == (line.output_bytes > 0 ? outputs : 0));
        REQUIRE(line.buffer_bytes == (d == 0 ? asked.request.direct_buffers : 0));
        const std::uint64_t final = sink == Sink::memory ? align_up(line.final_bytes, 4096) : 0;
        REQUIRE(line.load_line == final + line.slots * line.slot_bytes +
                                      line.outputs * line.output_bytes + line.buffer_bytes +
                                      line.state_bytes);
      }
    }
  }
}

TEST_CASE("a plan exists exactly for budgets from the smallest load line on, and keeps to them") {
  RandomAsked random(41);
  for (int round = 0; round < 60; ++round) {
    for (const Sink sink : all_sinks) {
      Asked asked = random(sink);
      const auto free = plan_for(asked);
      REQUIRE(free);
      const std::uint64_t smallest = free->smallest_load_line;
      const std::uint64_t wanted = highest_line(*free);
      REQUIRE(smallest <= wanted);
      std::vector<std::uint64_t> budgets = {smallest, wanted, wanted + 1, 0, smallest / 2};
      if (smallest > 0) budgets.push_back(smallest - 1);
      for (int i = 0; i < 5; ++i) budgets.push_back(smallest + random.below(wanted - smallest + 1));
      for (const std::uint64_t budget : budgets) {
        INFO("round " << round << ", sink " << static_cast<int>(sink) << ", budget " << budget
                      << ", smallest " << smallest);
        asked.request.budget = budget;
        const auto plan = plan_for(asked);
        REQUIRE(plan.has_value() == (budget >= smallest));
        if (!plan) {
          REQUIRE(plan.error().code() == ErrorCode::infeasible_budget);
          REQUIRE(plan.error().reason().find(std::to_string(smallest) + " bytes") !=
                  std::string::npos);
          continue;
        }
        REQUIRE(highest_line(*plan) <= budget);
        REQUIRE(plan->smallest_load_line == smallest);
      }
    }
  }
}

TEST_CASE(
    "a shrinking budget lowers slots to one, then units, then buffers, and never more at once") {
  for (const Sink sink : all_sinks) {
    Asked asked = dense(sink);
    asked.request.direct_buffers = 1 << 20;
    const auto free = plan_for(asked);
    REQUIRE(free);
    Lowered last(*free);
    CHECK(last.slots == 4);
    CHECK(last.unit_bytes == 1 << 20);
    CHECK(last.direct);
    const std::uint32_t one_slots_outputs =
        sink == Sink::checkpoint || sink == Sink::consumer ? 2 : 0;
    std::uint64_t budget = highest_line(*free);
    for (;; --budget) {  // each plan's line, less one byte, asks for the next lower plan
      asked.request.budget = budget;
      const auto plan = plan_for(asked);
      if (!plan) break;
      const Lowered now(*plan);
      CHECK((now.slots == last.slots || now.slots + 1 == last.slots));
      if (now.unit_bytes < last.unit_bytes) {
        CHECK(now.slots == 1);
        CHECK(now.unit_bytes == last.unit_bytes / 2);
      }
      if (now.outputs < one_slots_outputs) CHECK(now.unit_bytes == smallest_unit_bytes);
      if (!now.direct) CHECK(now.unit_bytes == smallest_unit_bytes);
      last = now;
      budget = highest_line(*plan);
    }
    CHECK(budget + 1 == free->smallest_load_line);
    CHECK(last.slots == 1);
    CHECK(last.unit_bytes == smallest_unit_bytes);
    CHECK(last.outputs == (one_slots_outputs > 0 ? 1 : 0));
    CHECK_FALSE(last.direct);
  }
}

TEST_CASE("a direct source that was asked for by name is never given up") {
  Asked asked = dense(Sink::memory);
  asked.request.direct_buffers = 1 << 20;
  const auto optional = plan_for(asked);
  asked.request.direct_required = true;
  const auto required = plan_for(asked);
  REQUIRE((optional && required));
  CHECK(required->smallest_load_line == optional->smallest_load_line + (1 << 20));
  asked.request.budget = required->smallest_load_line;
  const auto tight = plan_for(asked);
  REQUIRE(tight);
  CHECK(tight->direct_allowed);
  CHECK(tight->devices.front().buffer_bytes == 1 << 20);
}

TEST_CASE("units that are no power of two are lowered to the smallest as well") {
  Asked asked = dense(Sink::memory);
  asked.request.unit_bytes = 1'000'000;
  const auto free = plan_for(asked);
  REQUIRE(free);
  asked.request.budget = free->smallest_load_line;
  const auto tight = plan_for(asked);
  REQUIRE(tight);
  CHECK(tight->unit_bytes == smallest_unit_bytes);
}

TEST_CASE("units that are smaller than a budget would make them stay as they were asked for") {
  Asked asked = dense(Sink::memory);
  asked.request.unit_bytes = 5000;
  const auto free = plan_for(asked);
  REQUIRE(free);
  asked.request.budget = free->smallest_load_line;
  const auto tight = plan_for(asked);
  REQUIRE(tight);
  CHECK(tight->unit_bytes == 5000);
}

TEST_CASE("a line with the most credits of the largest units does not overflow") {
  Asked asked = dense(Sink::checkpoint);
  asked.catalogue.tensors[2].shape = {std::uint64_t{1} << 45};
  asked.catalogue.tensors[2].bytes = std::uint64_t{1} << 46;
  asked.blueprints = as_stored(asked.catalogue);
  asked.request.slots = most_slots;
  asked.request.unit_bytes = largest_unit_bytes;
  const auto plan = plan_for(asked);
  REQUIRE(plan);
  const DeviceLine& line = plan->devices.front();
  CHECK(line.slot_bytes == largest_unit_bytes + 4096);
  CHECK(line.load_line / most_slots == line.slot_bytes + 2 * line.output_bytes);
}

TEST_CASE("the budget holds for the fullest device, not for all together") {
  Asked asked = dense(Sink::memory);
  asked.request.devices = {"host:0", "host:1"};
  const auto plan = plan_for(asked);
  REQUIRE(plan);
  const std::uint64_t together = plan->devices[0].load_line + plan->devices[1].load_line;
  CHECK(highest_line(*plan) < together);
  asked.request.budget = highest_line(*plan);
  const auto same = plan_for(asked);
  REQUIRE(same);
  CHECK(same->devices.front().slots == asked.request.slots);
}
