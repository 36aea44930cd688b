#include "plan/budget.hpp"

#include <algorithm>
#include <limits>
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

/// From what was asked for down to the least there is. Of many slots, several are given up at once.
std::vector<Choice> choices(const PlanRequest& request) {
  const bool direct = request.direct_buffers > 0;
  std::vector<Choice> list;
  for (std::uint32_t slots = request.slots; slots >= 1; slots -= std::max(slots / 64, 1u)) {
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

constexpr std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();

/// Sums and products of sizes that a hostile file may claim: not more than there are numbers.
std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return a > endless - b ? endless : a + b;
}

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > endless / b ? endless : a * b;
}

void raise(std::uint64_t& value, std::uint64_t to) {
  value = std::max(value, to);
}

/// Draws the lines for a choice. What units need depends on their size alone, so it is kept from
/// one choice to the next while that stays.
class Draft {
 public:
  Draft(std::span<const SizedTensor> tensors, std::span<const std::uint64_t> finals,
        const PlanRequest& request)
      : tensors_(tensors), finals_(finals), request_(request) {}

  /// Errors: those of needs_of().
  [[nodiscard]] Expected<void> draw(const Choice& choice) {
    if (choice.unit_bytes != unit_bytes_) {
      if (auto sized = size_units(choice.unit_bytes); !sized) return sized;
    }
    lines_.assign(finals_.size(), DeviceLine{});
    merges_.assign(tensors_.size(), MergeChoice{});
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      merges_[i] = {wanted(i), 1, needs_[i].unit_elements};
    }
    size_slots(choice.slots);
    size_outputs();
    for (std::size_t i = 0; i < lines_.size(); ++i) finish(lines_[i], i, choice);
    return {};
  }

  /// The first tensor that cannot be made as the request forces it; null if there is none.
  [[nodiscard]] const OutputTensor* refused() const {
    if (request_.merge != MergeMethod::fold) return nullptr;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (tensors_[i].work.one_scale && !needs_[i].one_unit) return tensors_[i].output;
    }
    return nullptr;
  }

  [[nodiscard]] const std::vector<DeviceLine>& lines() const { return lines_; }

  [[nodiscard]] std::uint64_t highest() const {
    std::uint64_t highest = 0;
    for (const DeviceLine& line : lines_) raise(highest, line.load_line);
    return highest;
  }

  [[nodiscard]] const std::vector<MergeChoice>& merges() const { return merges_; }

 private:
  [[nodiscard]] DeviceLine& line_of(std::size_t tensor) {
    return lines_[tensors_[tensor].output->device];
  }

  /// What is asked of a tensor; where that is left open and its scale crosses units, gather, until
  /// it is known whether it fits.
  [[nodiscard]] Merge wanted(std::size_t i) const {
    const SizedTensor& tensor = tensors_[i];
    if (needs_[i].unit_slot == 0) return Merge::fold;
    if (request_.merge == MergeMethod::gather) {
      const bool merges = tensor.output->parts > 1 || tensor.work.one_scale;
      return merges ? Merge::gather : Merge::fold;
    }
    if (!tensor.work.one_scale || request_.merge == MergeMethod::fold) return Merge::fold;
    if (request_.merge == MergeMethod::two_pass) return Merge::two_pass;
    return needs_[i].one_unit ? Merge::fold : Merge::gather;
  }

  /// Slots are as large as the largest unit that is on its own. A gather takes several of them; one
  /// that is forced makes them larger instead of giving up.
  void size_slots(std::uint32_t slots) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const bool on_its_own =
          merges_[i].merge != Merge::gather || request_.merge != MergeMethod::gather;
      if (on_its_own) raise(line_of(i).slot_bytes, needs_[i].unit_slot);
    }
    if (request_.merge == MergeMethod::gather) {
      for (std::size_t i = 0; i < tensors_.size(); ++i) {
        if (merges_[i].merge != Merge::gather) continue;
        raise(line_of(i).slot_bytes,
              align_up((needs_[i].whole_slot + slots - 1) / slots, page_size));
      }
    }
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (merges_[i].merge != Merge::gather) continue;
      const std::uint64_t slot = line_of(i).slot_bytes;
      const std::uint64_t count = (needs_[i].whole_slot + slot - 1) / slot;
      if (count > slots) {
        merges_[i].merge = Merge::two_pass;
      } else {
        merges_[i].slots = static_cast<std::uint32_t>(count);
      }
    }
  }

  void size_outputs() {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const bool whole = merges_[i].merge == Merge::gather;
      std::uint64_t& bytes = line_of(i).output_bytes;
      if (request_.sink == Sink::checkpoint) {
        raise(bytes, whole ? needs_[i].whole_output : needs_[i].unit_output);
      } else if (request_.sink == Sink::consumer) {
        raise(bytes, whole_pages(tensors_[i].output->buffer_bytes));
      }
      if (merges_[i].merge == Merge::two_pass) line_of(i).state_bytes += sizeof(float);
    }
  }

  void finish(DeviceLine& line, std::size_t device, const Choice& choice) {
    const bool stays = request_.sink == Sink::memory || request_.sink == Sink::caller;
    line.final_bytes = stays ? finals_[device] : 0;
    line.slots = choice.slots;
    line.outputs = line.output_bytes > 0 ? choice.outputs : 0;
    line.buffer_bytes = choice.direct && device == 0 ? request_.direct_buffers : 0;
    line.state_bytes = align_up(line.state_bytes, component_alignment);
    line.load_line =
        add(multiply(line.slots, line.slot_bytes), multiply(line.outputs, line.output_bytes));
    line.load_line = add(line.load_line, add(line.buffer_bytes, line.state_bytes));
    if (request_.sink == Sink::memory) {
      line.load_line = add(line.load_line, align_up(line.final_bytes, page_size));
    }
  }

  [[nodiscard]] Expected<void> size_units(std::uint64_t unit_bytes) {
    unit_bytes_ = unit_bytes;
    needs_.clear();
    for (const SizedTensor& tensor : tensors_) {
      auto needs = needs_of(tensor, unit_bytes);
      if (!needs) {
        return fail(needs.error().code(), needs.error().reason(), "", tensor.output->name);
      }
      needs_.push_back(*needs);
    }
    return {};
  }

  std::span<const SizedTensor> tensors_;
  std::span<const std::uint64_t> finals_;
  const PlanRequest& request_;
  std::uint64_t unit_bytes_ = 0;
  std::vector<Needs> needs_;
  std::vector<DeviceLine> lines_;
  std::vector<MergeChoice> merges_;
};

}  // namespace

Expected<Sizes> fit_to_budget(std::span<const SizedTensor> tensors,
                              std::span<const std::uint64_t> finals, const PlanRequest& request) {
  Draft draft(tensors, finals, request);
  Sizes sizes;
  bool fits = false;
  sizes.smallest_load_line = endless;
  for (const Choice& choice : choices(request)) {
    if (auto drawn = draft.draw(choice); !drawn) return fail(drawn.error());
    if (const OutputTensor* output = draft.refused()) {
      if (choice.unit_bytes < request.unit_bytes) break;
      return fail(ErrorCode::unsupported,
                  "it has one scale for all its units, so that they cannot fold; only gather or "
                  "two-pass can make it",
                  "", output->name);
    }
    sizes.smallest_load_line = std::min(sizes.smallest_load_line, draft.highest());
    if (fits || (request.budget && draft.highest() > *request.budget)) continue;
    fits = true;
    sizes.unit_bytes = choice.unit_bytes;
    sizes.direct_allowed = choice.direct;
    sizes.devices = draft.lines();
    sizes.merges = draft.merges();
  }
  if (fits) return sizes;
  return fail(ErrorCode::infeasible_budget,
              "a budget of " + std::to_string(*request.budget) +
                  " bytes a device is too small; the smallest that works is " +
                  std::to_string(sizes.smallest_load_line) + " bytes");
}

}  // namespace plimsoll::plan
