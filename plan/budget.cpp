#include "plan/budget.hpp"

#include <algorithm>
#include <string>

#include "plan/align.hpp"

namespace plimsoll::plan {
namespace {

/// One choice of everything that a budget can lower.
struct Choice {
  std::uint32_t slots;
  std::uint32_t outputs;
  std::uint64_t unit_bytes;
  bool direct;
};

/// A checkpoint's units are written while the next are made; a consumer looks at one tensor while
/// the next is filled.
std::uint32_t outputs_for(Sink sink, std::uint32_t slots) {
  if (sink == Sink::checkpoint) return 2 * slots;
  return sink == Sink::consumer ? 2 : 0;
}

/// From what was asked for down to the least that works.
std::vector<Choice> choices(const PlanRequest& request) {
  const bool direct = request.direct_buffers > 0;
  std::vector<Choice> list;
  for (std::uint32_t slots = request.slots; slots >= 1; --slots) {
    list.push_back({slots, outputs_for(request.sink, slots), request.unit_bytes, direct});
  }
  while (list.back().unit_bytes > smallest_unit_bytes) {
    Choice smaller = list.back();
    smaller.unit_bytes = std::max(smaller.unit_bytes / 2, smallest_unit_bytes);
    list.push_back(smaller);
  }
  if (list.back().outputs > 1) {
    Choice single = list.back();
    single.outputs = 1;
    list.push_back(single);
  }
  if (direct && !request.direct_required) {
    Choice buffered = list.back();
    buffered.direct = false;
    list.push_back(buffered);
  }
  return list;
}

/// Draws the lines for a choice. Slot and buffer sizes depend on the unit size alone, so they are
/// kept from one choice to the next while that stays.
class Draft {
 public:
  Draft(std::span<const SizedTensor> tensors, std::span<const std::uint64_t> finals,
        const PlanRequest& request)
      : tensors_(tensors), finals_(finals), request_(request) {}

  const std::vector<DeviceLine>& draw(const Choice& choice) {
    if (choice.unit_bytes != unit_bytes_) size_units(choice.unit_bytes);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      DeviceLine& line = lines_[i];
      const bool stays = request_.sink == Sink::memory || request_.sink == Sink::caller;
      line.final_bytes = stays ? finals_[i] : 0;
      line.slots = choice.slots;
      line.outputs = line.output_bytes > 0 ? choice.outputs : 0;
      line.buffer_bytes = choice.direct && i == 0 ? request_.direct_buffers : 0;
      line.load_line =
          line.slots * line.slot_bytes + line.outputs * line.output_bytes + line.buffer_bytes;
      if (request_.sink == Sink::memory) line.load_line += align_up(line.final_bytes, page_size);
    }
    return lines_;
  }

  [[nodiscard]] std::uint64_t highest() const {
    std::uint64_t highest = 0;
    for (const DeviceLine& line : lines_) highest = std::max(highest, line.load_line);
    return highest;
  }

 private:
  void size_units(std::uint64_t unit_bytes) {
    unit_bytes_ = unit_bytes;
    lines_.assign(finals_.size(), DeviceLine{});
    for (const SizedTensor& tensor : tensors_) {
      DeviceLine& line = lines_[tensor.device];
      const std::uint64_t elements =
          std::min(unit_elements(tensor.dtype, tensor.work, unit_bytes),
                   work_elements(tensor.dtype, tensor.work, tensor.source_bytes));
      line.slot_bytes = std::max(line.slot_bytes, slot_bytes(tensor.dtype, tensor.work, elements));
      if (request_.sink == Sink::checkpoint) {
        line.output_bytes =
            std::max(line.output_bytes, unit_output_bytes(tensor.work, tensor.format, elements));
      } else if (request_.sink == Sink::consumer) {
        line.output_bytes = std::max(line.output_bytes, whole_pages(tensor.buffer_bytes));
      }
    }
  }

  std::span<const SizedTensor> tensors_;
  std::span<const std::uint64_t> finals_;
  const PlanRequest& request_;
  std::uint64_t unit_bytes_ = 0;
  std::vector<DeviceLine> lines_;
};

}  // namespace

Expected<Sizes> fit_to_budget(std::span<const SizedTensor> tensors,
                              std::span<const std::uint64_t> finals, const PlanRequest& request) {
  const std::vector<Choice> list = choices(request);
  Draft draft(tensors, finals, request);
  Sizes sizes;
  draft.draw(list.back());
  sizes.smallest_load_line = draft.highest();
  for (const Choice& choice : list) {
    draft.draw(choice);
    if (request.budget && draft.highest() > *request.budget) continue;
    sizes.unit_bytes = choice.unit_bytes;
    sizes.direct_allowed = choice.direct;
    sizes.devices = draft.draw(choice);
    return sizes;
  }
  return fail(ErrorCode::infeasible_budget,
              "a budget of " + std::to_string(*request.budget) +
                  " bytes a device is too small; the smallest that works is " +
                  std::to_string(sizes.smallest_load_line) + " bytes");
}

}  // namespace plimsoll::plan
