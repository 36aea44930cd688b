#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "io/catalogue.hpp"
#include "plan/make_plan.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::plan {

/// A catalogue of a few files, and what is asked for. Only headers' worth of data: any size is
/// free.
struct Asked {
  io::Catalogue catalogue;
  PlanRequest request;
};

/// Puts tensors one behind the other in a file, as a container would.
class CatalogueBuilder {
 public:
  /// The first byte of data in the next file; not aligned to anything if `begin` is not.
  void next_file(std::uint64_t begin) {
    catalogue_.files.push_back(
        {"model-" + std::to_string(catalogue_.files.size()) + ".safetensors", begin});
  }

  void add(std::string name, Dtype dtype, io::Shape shape) {
    io::SourceFile& file = catalogue_.files.back();
    std::uint64_t elements = 1;
    for (const std::uint64_t size : shape) elements *= size;
    const std::uint64_t bytes = elements / 8 * bits_of(dtype) + elements % 8 * bits_of(dtype) / 8;
    catalogue_.tensors.push_back({std::move(name), dtype, std::move(shape),
                                  static_cast<std::uint32_t>(catalogue_.files.size() - 1),
                                  file.bytes, bytes});
    file.bytes += bytes;
  }

  [[nodiscard]] io::Catalogue take() { return std::move(catalogue_); }

 private:
  io::Catalogue catalogue_;
};

/// Seeded catalogues and requests that vary everything a plan depends on.
class RandomAsked {
 public:
  explicit RandomAsked(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] Asked operator()(Sink sink) {
    Asked asked;
    CatalogueBuilder builder;
    for (auto files = below(3) + 1; files > 0; --files) {
      builder.next_file(below(3) == 0 ? below(10000) : below(1000) * 8);
      for (auto tensors = below(12); tensors > 0; --tensors) add_tensor(builder);
    }
    asked.catalogue = builder.take();
    for (const io::TensorEntry& tensor : asked.catalogue.tensors) {
      asked.request.formats.push_back(format_for(tensor.dtype));
    }
    asked.request.devices.clear();
    for (auto devices = below(3) + 1; devices > 0; --devices) {
      asked.request.devices.push_back("host:" + std::to_string(devices));
    }
    asked.request.sink = sink;
    asked.request.slots = static_cast<std::uint32_t>(below(9) + 1);
    asked.request.unit_bytes =
        below(2) == 0 ? std::uint64_t{1} << (below(10) + 10) : below(300000) + 1500;
    asked.request.shard_bytes = below(2) == 0 ? 5'000'000'000 : below(400000) + 1;
    asked.request.direct_buffers = below(2) * 4096 * below(100);
    asked.request.direct_required = below(2) == 0;
    return asked;
  }

  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

 private:
  void add_tensor(CatalogueBuilder& builder) {
    const auto dtype = static_cast<Dtype>(below(dtype_count));
    io::Shape shape;
    for (auto rank = below(4); rank > 0; --rank) shape.push_back(below(70));
    if (below(4) == 0) shape = {below(300) + 1, below(600) + 1};
    if (bits_of(dtype) < 8) shape.push_back(8);  // whole bytes
    const std::string where =
        below(4) == 0 ? "model.head" : "model.layers." + std::to_string(below(9));
    builder.add(where + ".m" + std::to_string(count_++) + ".weight", dtype, shape);
  }

  codecs::Format format_for(Dtype dtype) {
    using codecs::FormatKind;
    codecs::Format format;
    format.kind = static_cast<FormatKind>(below(5));
    if (format.kind == FormatKind::nf4) format.blocksize = 32u << below(8);
    return can_make(dtype, format) ? format : codecs::Format{};
  }

  std::mt19937_64 random_;
  std::uint64_t count_ = 0;
};

inline constexpr Sink all_sinks[] = {Sink::memory, Sink::caller, Sink::consumer, Sink::checkpoint};

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

}  // namespace plimsoll::plan
