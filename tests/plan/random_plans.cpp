#include "random_plans.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "views/operations.hpp"

namespace plimsoll::plan {
namespace {

using views::View;

constexpr Dtype scale_dtypes[] = {Dtype::f32, Dtype::bf16, Dtype::f16, Dtype::f8_e8m0};

/// What converters make of tensors of one shape, of which there are at least two.
using Conversion = std::function<std::vector<View>(const std::vector<View>&)>;

std::vector<View> one(Expected<View> view) {
  if (!view) FAIL(view.error().what());
  return {std::move(*view)};
}

std::vector<View> stacked(const std::vector<View>& parts) {
  return one(views::stack(parts, 0));
}

std::vector<View> gates_and_ups(const std::vector<View>& parts) {
  const auto half = parts.begin() + static_cast<std::ptrdiff_t>(parts.size() / 2);
  const std::vector<View> gates(parts.begin(), half);
  const std::vector<View> ups(half, half + static_cast<std::ptrdiff_t>(gates.size()));
  return one(views::concatenate(
      std::vector{views::stack(gates, 0).value(), views::stack(ups, 0).value()}, 1));
}

std::vector<View> stacked_and_transposed(const std::vector<View>& parts) {
  return one(views::transpose(stacked(parts).front(), 1, 2));
}

std::vector<View> joined_and_interleaved(const std::vector<View>& parts) {
  return one(views::interleave(views::concatenate(parts, 0).value(), 0));
}

std::vector<View> transposed(const std::vector<View>& parts) {
  return one(views::transpose(parts.front(), 0, 1));
}

std::vector<View> rotated(const std::vector<View>& parts) {
  return one(views::permute_for_rope(parts.front(), 1));
}

std::vector<View> chunked(const std::vector<View>& parts) {
  return views::chunk(parts.front(), 0, 2).value();
}

std::vector<View> columns(const std::vector<View>& parts) {
  const View all = stacked(parts).front();
  const std::uint64_t width = all.shape().back();
  return one(views::slice(all, 2, width / 3, width - width / 4));
}

std::vector<View> rows(const std::vector<View>& parts) {
  const std::uint64_t height = parts.front().shape().front();
  return one(views::slice(parts.front(), 0, height / 2, height));
}

std::vector<View> joined_sideways(const std::vector<View>& parts) {
  return one(views::concatenate(parts, 1));
}

std::vector<View> flattened(const std::vector<View>& parts) {
  const View all = stacked(parts).front();
  return one(views::reshape(all, {all.elements()}));
}

const Conversion conversions[] = {
    stacked, gates_and_ups, stacked_and_transposed, transposed,      rotated,  chunked,
    columns, rows,          joined_and_interleaved, joined_sideways, flattened};

}  // namespace

/// A tensor of the checkpoint, and the one that holds its scales.
struct RandomAsked::Stored {
  std::string name;
  Dtype dtype = Dtype::f32;
  io::Shape shape;
  std::string scales_of;
};

/// Tensors of the checkpoint and what is made of them.
struct RandomAsked::Group {
  std::vector<Stored> stored;
  std::vector<std::string> sources;
  Conversion convert;
  std::string name;
  Dtype dtype = Dtype::f32;
  std::uint64_t tile_rows = 0;  ///< 0: its numbers have no scales
  std::uint64_t tile_columns = 0;
};

RandomAsked::Group RandomAsked::stored_as_it_is() {
  Group group;
  group.dtype = static_cast<Dtype>(below(dtype_count));
  io::Shape shape;
  for (auto rank = below(5); rank > 0; --rank) shape.push_back(below(shape.size() < 2 ? 70 : 9));
  if (below(4) == 0) shape = {below(300) + 1, below(600) + 1};
  if (bits_of(group.dtype) < 8) shape.push_back(8);  // whole bytes
  const std::string where =
      below(4) == 0 ? "model.head" : "model.layers." + std::to_string(below(9));
  group.name = where + ".m" + std::to_string(count_++) + ".weight";
  group.stored = {{group.name, group.dtype, std::move(shape), ""}};
  group.sources = {group.name};
  group.convert = [](const std::vector<View>& parts) { return parts; };
  return group;
}

RandomAsked::Group RandomAsked::converted() {
  Group group;
  do {
    group.dtype = below(3) == 0 ? Dtype::f8_e4m3 : static_cast<Dtype>(below(dtype_count));
  } while (bits_of(group.dtype) < 8);
  group.name = "model.layers." + std::to_string(below(9)) + ".c" + std::to_string(count_++);
  group.convert = conversions[below(std::size(conversions))];
  const io::Shape shape = {2 * below(below(2) == 0 ? 20 : 140) + 2,
                           below(below(2) == 0 ? 20 : 300)};
  const bool scaled = group.dtype == Dtype::f8_e4m3 && shape[1] > 0 && below(4) != 0;
  if (scaled) {
    const bool whole = below(4) == 0;
    const bool small = below(2) == 0;
    group.tile_rows = whole ? shape[0] : small ? 16 : 128;
    group.tile_columns = whole ? shape[1] : small ? 24 : 128;
  }
  const Dtype scale_dtype = scale_dtypes[below(std::size(scale_dtypes))];
  for (auto parts = below(7) + 2; parts > 0; --parts) {
    const std::string name = group.name + "." + std::to_string(parts) + ".weight";
    group.sources.push_back(name);
    group.stored.push_back({name, group.dtype, shape, ""});
    if (!scaled) continue;
    const io::Shape grid = {(shape[0] - 1) / group.tile_rows + 1,
                            (shape[1] - 1) / group.tile_columns + 1};
    group.stored.push_back({name + "_scale_inv", scale_dtype, grid, name});
  }
  return group;
}

Treatment RandomAsked::treatment_for(const Stock& stock) {
  using codecs::FormatKind;
  Treatment treatment;
  treatment.format.kind = static_cast<FormatKind>(below(7));
  if (treatment.format.kind == FormatKind::nf4) treatment.format.blocksize = 32u << below(8);
  if (treatment.format.kind == FormatKind::fp8_block && below(2) == 0) {
    treatment.format.scale = codecs::Fp8Scale::ue8m0;
  }
  if (codecs::is_quantized(treatment.format.kind) && below(2) == 0) {
    treatment.working = below(2) == 0 ? Dtype::f32 : Dtype::bf16;
  }
  return can_make(stock, treatment) ? treatment : Treatment{};
}

void RandomAsked::choose_request(Asked& asked, Sink sink) {
  PlanRequest& request = asked.request;
  bool crosses = false;
  for (const Blueprint& tensor : asked.blueprints.tensors) {
    const bool scaled = scales_of(asked.blueprints, tensor) != nullptr;
    request.treatments.push_back(treatment_for({tensor.dtype, scaled, tensor.view.shape().size()}));
    crosses |= request.treatments.back().format.kind == codecs::FormatKind::fp8_tensor;
  }
  request.merge = static_cast<MergeMethod>(below(4));
  if (crosses && request.merge == MergeMethod::fold) request.merge = MergeMethod::automatic;
  request.devices.clear();
  for (auto devices = below(3) + 1; devices > 0; --devices) {
    request.devices.push_back("host:" + std::to_string(devices));
  }
  request.sink = sink;
  request.slots = static_cast<std::uint32_t>(below(9) + 1);
  request.unit_bytes = below(2) == 0 ? std::uint64_t{1} << (below(10) + 10) : below(300000) + 1500;
  request.shard_bytes = below(2) == 0 ? 5'000'000'000 : below(400000) + 1;
  request.direct_buffers = below(2) * 4096 * below(100);
  request.direct_required = below(2) == 0;
}

Asked RandomAsked::operator()(Sink sink) {
  std::vector<Group> groups;
  for (auto count = below(16); count > 0; --count) groups.push_back(stored_as_it_is());
  for (auto count = below(5); count > 0; --count) groups.push_back(converted());

  std::vector<const Stored*> stored;
  for (const Group& group : groups) {
    for (const Stored& tensor : group.stored) stored.push_back(&tensor);
  }
  std::shuffle(stored.begin(), stored.end(), random_);

  Asked asked;
  CatalogueBuilder builder;
  std::map<std::string, std::uint32_t> places;
  std::map<std::string, std::uint32_t> scales;
  builder.next_file(below(1000) * 8);
  for (const Stored* tensor : stored) {
    if (below(8) == 0) builder.next_file(below(3) == 0 ? below(10000) : below(1000) * 8);
    const std::uint32_t index = builder.add(tensor->name, tensor->dtype, tensor->shape);
    places[tensor->name] = index;
    if (!tensor->scales_of.empty()) scales[tensor->scales_of] = index;
  }
  asked.catalogue = builder.take();
  asked.blueprints.scales.resize(stored.size());
  for (const Group& group : groups) {
    std::vector<View> parts;
    for (const std::string& source : group.sources) {
      const std::uint32_t index = places[source];
      parts.push_back(views::whole(index, asked.catalogue.tensors[index].shape).value());
      if (group.tile_rows == 0) continue;
      asked.blueprints.scales[index] =
          TileScales{scales[source], group.tile_rows, group.tile_columns};
    }
    std::uint64_t part = 0;
    for (View& view : group.convert(parts)) {
      std::string name = group.name;
      if (part++ > 0) name.append(".").append(std::to_string(part));
      asked.blueprints.tensors.push_back(
          {std::move(name), group.dtype, std::move(view), std::nullopt, std::nullopt});
    }
  }
  choose_request(asked, sink);
  return asked;
}

}  // namespace plimsoll::plan
