#include "gguf/hub_catalogue.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "codecs/ggml/plain.hpp"
#include "gguf/hub_order.hpp"
#include "gguf/names.hpp"
#include "io/name_index.hpp"

namespace plimsoll::gguf {
namespace {

using codecs::ggml::Type;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

io::Catalogue empty_catalogue(const io::GgufCheckpoint& checkpoint) {
  io::Catalogue catalogue;
  catalogue.format = io::ContainerFormat::gguf;
  catalogue.files = checkpoint.files;
  if (!catalogue.files.empty()) catalogue.directory = directory_of(catalogue.files.front().path);
  return catalogue;
}

/// A tensor as the file has it, but for its name.
io::TensorEntry unnamed(const io::GgufTensor& tensor, bool big_endian) {
  io::TensorEntry entry;
  // Blocks are described by what they decode to.
  entry.dtype = codecs::ggml::dtype_of(tensor.type).value_or(Dtype::f32);
  entry.shape = tensor.shape;
  entry.file = tensor.file;
  entry.offset = tensor.offset;
  entry.bytes = tensor.bytes;
  if (codecs::ggml::is_block_type(tensor.type)) entry.blocks = tensor.type;
  const bool swapped = big_endian != (std::endian::native == std::endian::big);
  entry.swapped = swapped && tensor.type != Type::i8;
  return entry;
}

/// Makes the catalogue of one checkpoint.
class HubEntries {
 public:
  HubEntries(const io::GgufCheckpoint& checkpoint, const Family& family)
      : checkpoint_(checkpoint), names_(family, names_of(checkpoint)) {
    made_.catalogue = empty_catalogue(checkpoint);
    made_.catalogue.tensors.reserve(checkpoint.tensors.size());
    made_.joins = family.joins;
  }

  Expected<HubCatalogue> make() {
    for (const io::GgufTensor& tensor : checkpoint_.tensors) {
      if (auto added = add(tensor); !added) return fail(added.error());
    }
    if (auto unique = check_names(); !unique) return fail(unique.error());
    return std::move(made_);
  }

 private:
  static std::vector<std::string_view> names_of(const io::GgufCheckpoint& checkpoint) {
    std::vector<std::string_view> names;
    names.reserve(checkpoint.tensors.size());
    for (const io::GgufTensor& tensor : checkpoint.tensors) names.push_back(tensor.name);
    return names;
  }

  [[nodiscard]] const std::string& file_of(const io::GgufTensor& tensor) const {
    return checkpoint_.files[tensor.file].path;
  }

  Expected<void> add(const io::GgufTensor& tensor) {
    const HubName named = names_.of(tensor.name);
    if (named.fate == HubName::Fate::unknown) {
      made_.unexpected.push_back(tensor.name);
    } else if (named.fate == HubName::Fate::left_out) {
      made_.left_out.push_back(tensor.name);
    } else {
      return add(tensor, named);
    }
    return {};
  }

  Expected<void> add(const io::GgufTensor& tensor, const HubName& named) {
    io::TensorEntry entry = unnamed(tensor, checkpoint_.big_endian);
    std::uint64_t parts = 1;
    if (named.in_parts) {
      if (entry.shape.size() < 2) {
        return fail(ErrorCode::malformed,
                    "it should have two sizes or more, the first that of parts", file_of(tensor),
                    tensor.name);
      }
      parts = entry.shape.front();
      entry.shape.erase(entry.shape.begin());
    }
    if (parts > max_hub_tensors - std::min(max_hub_tensors, made_.catalogue.tensors.size())) {
      return fail(ErrorCode::unsupported,
                  "it would become too many tensors: more than " + std::to_string(max_hub_tensors) +
                      " in all",
                  file_of(tensor), tensor.name);
    }
    if (auto done = apply(named, tensor, entry); !done) return done;
    if (!named.in_parts) {
      entry.name = named.name;
      made_.catalogue.tensors.push_back(std::move(entry));
      return {};
    }
    add_parts(named, parts, std::move(entry));
    return {};
  }

  /// `entry` is what all parts have in common, and has the bytes of all.
  void add_parts(const HubName& named, std::uint64_t parts, io::TensorEntry entry) {
    if (parts == 0) return;
    entry.bytes /= parts;
    for (std::uint64_t part = 0; part < parts; ++part) {
      entry.name = named.name + std::to_string(part) + named.rest;
      made_.catalogue.tensors.push_back(entry);
      entry.offset += entry.bytes;
    }
  }

  Expected<void> apply(const HubName& named, const io::GgufTensor& tensor, io::TensorEntry& entry) {
    const Operations& operations = named.row->operations;
    HeadCounts heads;
    if (operations.reorder == Reorder::rope_halves ||
        operations.reorder == Reorder::heads_outermost) {
      auto counts = head_counts(checkpoint_.metadata, named.layer, checkpoint_.files[0].path);
      if (!counts) return fail(counts.error());
      heads = *counts;
    }
    auto made = ordered(operations, entry.shape, heads);
    if (!made) {
      return fail(made.error().code(), made.error().reason(), file_of(tensor), tensor.name);
    }
    if (made->order && entry.blocks && made->order->stored.back() != entry.shape.back()) {
      return fail(ErrorCode::unsupported, "its blocks would have to be taken apart",
                  file_of(tensor), tensor.name);
    }
    if (!codecs::can_map(operations.map, entry.dtype)) {
      return fail(ErrorCode::unsupported,
                  "its numbers should be F32, F16 or BF16, to be mapped to those of a checkpoint",
                  file_of(tensor), tensor.name);
    }
    entry.shape = std::move(made->shape);
    entry.map = operations.map;
    if (made->order) entry.order = number_of(*std::move(made->order));
    return {};
  }

  /// What TensorEntry::order calls an order: layers have few between them.
  std::uint32_t number_of(io::StoredOrder order) {
    auto& orders = made_.catalogue.orders;
    const auto [known, added] =
        orders_.try_emplace({order.stored, order.axes}, static_cast<std::uint32_t>(orders.size()));
    if (added) orders.push_back(std::move(order));
    return known->second + 1;
  }

  Expected<void> check_names() const {
    const auto& tensors = made_.catalogue.tensors;
    std::vector<std::string_view> names;
    names.reserve(tensors.size());
    for (const io::TensorEntry& tensor : tensors) names.push_back(tensor.name);
    const io::NameIndex index(std::move(names));
    const auto twice = index.duplicate();
    if (!twice) return {};
    return fail(ErrorCode::malformed, "two tensors of the file come to this name",
                checkpoint_.files[tensors[*twice].file].path, tensors[*twice].name);
  }

  const io::GgufCheckpoint& checkpoint_;
  HubNames names_;
  HubCatalogue made_;
  std::map<std::pair<io::Shape, std::vector<std::uint32_t>>, std::uint32_t> orders_;
};

}  // namespace

Expected<HubCatalogue> hub_catalogue(const io::GgufCheckpoint& checkpoint, const Family& family) {
  return HubEntries(checkpoint, family).make();
}

io::Catalogue gguf_catalogue(const io::GgufCheckpoint& checkpoint) {
  io::Catalogue catalogue = empty_catalogue(checkpoint);
  catalogue.tensors.reserve(checkpoint.tensors.size());
  for (const io::GgufTensor& tensor : checkpoint.tensors) {
    catalogue.tensors.push_back(unnamed(tensor, checkpoint.big_endian));
    catalogue.tensors.back().name = tensor.name;
  }
  return catalogue;
}

}  // namespace plimsoll::gguf
