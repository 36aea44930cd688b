#include "cli/synth_checkpoint.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cli/synth_directory.hpp"
#include "cli/synth_shapes.hpp"
#include "cli/synth_values.hpp"
#include "io/shard_layout.hpp"

namespace plimsoll::cli {
namespace {

constexpr std::size_t piece_chunks = 16;
constexpr std::size_t piece_values = piece_chunks * synth_chunk_values;
constexpr std::size_t widest_bytes = sizeof(float);

std::uint64_t bytes_of(Dtype dtype) {
  return bits_of(dtype) / 8;
}

/// A run of one tensor's chunks and where it goes.
struct Piece {
  SynthValues values = SynthValues::weight;
  Dtype dtype = Dtype::bf16;
  std::uint64_t stream = 0;
  std::uint64_t first_chunk = 0;
  std::size_t count = 0;
  std::uint64_t offset = 0;  // in the shard, bytes
};

std::vector<io::StoredTensor> stored_tensors(const SynthShape& shape) {
  std::vector<io::StoredTensor> stored;
  stored.reserve(shape.tensors.size());
  for (const SynthTensor& tensor : shape.tensors) {
    stored.push_back({.name = tensor.name,
                      .dtype = tensor.dtype,
                      .shape = tensor.shape,
                      .bytes = io::element_count(tensor.shape) * bytes_of(tensor.dtype),
                      .group = static_cast<std::uint32_t>(stored.size())});
  }
  return stored;
}

std::vector<Piece> pieces_of(const io::ShardFile& shard, const io::ShardLayout& layout,
                             const SynthShape& shape, std::uint64_t seed) {
  std::vector<Piece> pieces;
  for (const std::uint32_t t : shard.tensors) {
    const SynthTensor& tensor = shape.tensors[t];
    const std::uint64_t stream = synth_stream(seed, tensor.name);
    const std::uint64_t count = io::element_count(tensor.shape);
    for (std::uint64_t first = 0; first < count; first += piece_values) {
      pieces.push_back({.values = tensor.values,
                        .dtype = tensor.dtype,
                        .stream = stream,
                        .first_chunk = first / synth_chunk_values,
                        .count = std::min<std::uint64_t>(piece_values, count - first),
                        .offset = layout.places[t].offset + first * bytes_of(tensor.dtype)});
    }
  }
  return pieces;
}

/// Makes the piece's numbers at the front of `buffer`, which has room for the widest.
std::string_view make_numbers(const Piece& piece, std::vector<std::byte>& buffer) {
  const auto front = [&]<class Value>(Value* values) { return std::span(values, piece.count); };
  if (piece.dtype == Dtype::f32) {
    fill_synth_values(piece.values, piece.stream, piece.first_chunk,
                      front(reinterpret_cast<float*>(buffer.data())));
  } else if (piece.values == SynthValues::code) {
    fill_synth_codes(piece.stream, piece.first_chunk,
                     front(reinterpret_cast<std::uint8_t*>(buffer.data())));
  } else {
    fill_synth_values(piece.values, piece.stream, piece.first_chunk,
                      front(reinterpret_cast<std::uint16_t*>(buffer.data())));
  }
  return {reinterpret_cast<const char*>(buffer.data()), piece.count * bytes_of(piece.dtype)};
}

/// Lets threads fill one file, piece by piece; the first error stops them all.
class ShardFiller {
 public:
  ShardFiller(const SynthFile& file, const std::vector<Piece>& pieces)
      : file_(file), pieces_(pieces) {}

  Expected<void> run(unsigned threads) {
    std::vector<std::thread> others;
    try {
      while (others.size() + 1 < threads) others.emplace_back([this] { fill(); });
    } catch (const std::system_error&) {
      // Fewer threads than hoped for make the same bytes.
    }
    fill();
    for (std::thread& thread : others) thread.join();
    return std::move(result_);
  }

 private:
  void fill() {
    std::vector<std::byte> buffer(piece_values * widest_bytes);
    for (std::size_t i = next_++; i < pieces_.size(); i = next_++) {
      const Piece& piece = pieces_[i];
      const std::string_view bytes = make_numbers(piece, buffer);
      if (auto written = file_.write(piece.offset, bytes); !written) {
        next_ = pieces_.size();
        const std::lock_guard lock(mutex_);
        if (result_) result_ = std::move(written);
        return;
      }
    }
  }

  const SynthFile& file_;
  const std::vector<Piece>& pieces_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Expected<void> result_;
};

Expected<void> write_text(SynthDirectory& directory, const std::string& name,
                          std::string_view text) {
  auto file = directory.create(name);
  if (!file) return fail(file.error());
  return file->write(0, text);
}

Expected<void> write_shard(SynthDirectory& directory, const io::ShardFile& shard,
                           const std::vector<Piece>& pieces, const SynthOptions& options) {
  auto file = directory.create(shard.name);
  if (!file) return fail(file.error());
  if (auto set = file->set_length(shard.bytes, !options.sparse); !set) return set;
  if (auto written = file->write(0, shard.header); !written) return written;
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const unsigned threads = options.threads == 0 ? processors : options.threads;
  return ShardFiller(*file, pieces).run(threads);
}

}  // namespace

Expected<SynthReport> write_synthetic_checkpoint(const SynthOptions& options) {
  const auto shape = synth_shape(options.shape, options.layers);
  if (!shape) return fail(shape.error());
  const std::vector<io::StoredTensor> tensors = stored_tensors(*shape);
  const io::ShardLayout layout = io::lay_out_shards(
      tensors, options.shard_bytes == 0 ? shape->shard_bytes : options.shard_bytes);
  auto directory = SynthDirectory::open(options.directory);
  if (!directory) return fail(directory.error());

  SynthReport report{.shards = layout.shards.size(), .tensors = tensors.size()};
  for (const io::StoredTensor& tensor : tensors) {
    report.parameters += io::element_count(tensor.shape);
  }
  // The small files first and the index last: what has a name before it looks like no checkpoint.
  const std::pair<const char*, const std::string*> texts[] = {
      {"config.json", &shape->config_json},
      {"generation_config.json", &shape->generation_config_json},
      {"tokenizer_config.json", &shape->tokenizer_config_json}};
  for (const auto& [name, text] : texts) {
    if (auto written = write_text(*directory, name, *text); !written) return fail(written.error());
  }
  for (const io::ShardFile& shard : layout.shards) {
    const auto pieces =
        options.sparse ? std::vector<Piece>{} : pieces_of(shard, layout, *shape, options.seed);
    if (auto written = write_shard(*directory, shard, pieces, options); !written) {
      return fail(written.error());
    }
    report.bytes += shard.bytes;
  }
  if (!layout.index.empty()) {
    auto written = write_text(*directory, "model.safetensors.index.json", layout.index);
    if (!written) return fail(written.error());
  }
  if (auto committed = directory->commit(); !committed) return fail(committed.error());
  return report;
}

}  // namespace plimsoll::cli
