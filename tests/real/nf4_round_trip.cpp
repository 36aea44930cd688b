// nf4_round_trip CHECKPOINT WORK: quantizes CHECKPOINT to NF4 in WORK, reads both back and holds
// every tensor to what NF4 promises. Exit code 77 if there is no CHECKPOINT.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "plimsoll/engine.hpp"

namespace {

constexpr std::size_t block = 64;

int failures = 0;

void expect(bool holds, std::string_view tensor, const char* what) {
  if (holds) return;
  ++failures;
  std::printf("FAILED %.*s: %s\n", static_cast<int>(tensor.size()), tensor.data(), what);
}

template <class T>
std::vector<T> values(const plimsoll::Tensor& tensor) {
  const auto bytes = tensor.component("data")->bytes;
  std::vector<T> copy(bytes.size() / sizeof(T));
  std::memcpy(copy.data(), bytes.data(), copy.size() * sizeof(T));
  return copy;
}

/// The element's value in units of its block's absmax.
float decoded(std::span<const std::uint8_t> codes, std::span<const float> map, std::size_t index) {
  const std::uint8_t pair = codes[index / 2];
  return map[index % 2 == 0 ? pair >> 4 : pair & 15];
}

/// A code's value is at most half the widest gap between two codes from the number it stands for,
/// and no other code is nearer by more than the rounding of one multiplication.
void hold_to_bound(const plimsoll::Tensor& source, const plimsoll::Model& quantized) {
  const std::string name(source.name);
  const auto numbers = values<float>(source);
  const auto codes = values<std::uint8_t>(*quantized.find(name));
  const auto absmax = values<float>(*quantized.find(name + ".absmax"));
  const auto map = values<float>(*quantized.find(name + ".quant_map"));
  expect(map.size() == 16 && std::is_sorted(map.begin(), map.end()), name, "its map is not NF4's");
  expect(codes.size() == (numbers.size() + 1) / 2, name, "it has not one code an element");
  expect(absmax.size() == (numbers.size() + block - 1) / block, name,
         "it has not one scale a block");
  if (failures > 0) return;

  float widest = 0;
  for (std::size_t i = 1; i < map.size(); ++i) widest = std::max(widest, map[i] - map[i - 1]);
  double worst = 0;
  double sum = 0;
  bool nearest = true;
  bool exact_scales = true;
  for (std::size_t begin = 0; begin < numbers.size(); begin += block) {
    const std::size_t end = std::min(begin + block, numbers.size());
    float largest = 0;
    for (std::size_t i = begin; i < end; ++i) largest = std::max(largest, std::fabs(numbers[i]));
    exact_scales = exact_scales && absmax[begin / block] == largest;
    if (largest == 0) continue;
    for (std::size_t i = begin; i < end; ++i) {
      const double wanted = static_cast<double>(numbers[i]) / largest;
      const double error = std::fabs(wanted - decoded(codes, map, i));
      for (const float other : map) nearest = nearest && error <= std::fabs(wanted - other) + 1e-6;
      worst = std::max(worst, error);
      sum += error * largest;
    }
  }
  expect(exact_scales, name, "a scale is not the largest magnitude of its block");
  expect(nearest, name, "an element does not have the nearest code");
  expect(worst <= widest / 2 + 1e-6, name, "an error is above NF4's bound");
  std::printf("%-60s worst error %.4f of absmax (bound %.4f), mean %.2e\n", name.c_str(), worst,
              widest / 2, sum / static_cast<double>(numbers.size()));
}

void hold_to_bytes(const plimsoll::Tensor& source, const plimsoll::Model& quantized) {
  const plimsoll::Tensor* kept = quantized.find(source.name);
  expect(kept != nullptr, source.name, "it is missing");
  if (kept == nullptr) return;
  expect(kept->dtype == source.dtype && std::ranges::equal(kept->shape, source.shape), source.name,
         "it was to be kept, but its dtype or shape differs");
  expect(std::ranges::equal(kept->component("data")->bytes, source.component("data")->bytes),
         source.name, "it was to be kept, but its bytes differ");
}

int compare(const std::string& checkpoint, const std::string& out) {
  plimsoll::Config config;
  plimsoll::Engine engine(config.set("to", "nf4").set("force", "true"));
  const plimsoll::Load written = engine.quantize(checkpoint, out);
  const plimsoll::Report& report = written.report();
  expect(report.peak_bytes <= report.load_line_bytes, "the load", "it went over its load line");
  expect(report.peak_full_precision_tensors <= report.slots, "the load",
         "more tensors than slots were in full precision");

  plimsoll::LoadOptions as_it_is;
  as_it_is.config = plimsoll::Config().set("to", "keep");
  const plimsoll::Model source = engine.load(checkpoint, as_it_is).get();
  const plimsoll::Model quantized = engine.load(out, as_it_is).get();

  std::size_t in_nf4 = 0;
  for (const plimsoll::Tensor& tensor : source.tensors()) {
    if (quantized.find(std::string(tensor.name) + ".absmax") == nullptr) {
      hold_to_bytes(tensor, quantized);
    } else {
      ++in_nf4;
      hold_to_bound(tensor, quantized);
    }
  }
  // Six layers of six linear weights; the pooler is the module of the last parameter and is kept.
  expect(in_nf4 == 36, "the model", "not exactly the linear weights of its layers are quantized");
  expect(quantized.tensors().size() == source.tensors().size() + 3 * in_nf4, "the model",
         "it has tensors that it should not have, or lacks some");
  std::printf("%zu tensors in NF4, %d failures, peak %llu of %llu bytes\n", in_nf4, failures,
              static_cast<unsigned long long>(report.peak_bytes),
              static_cast<unsigned long long>(report.load_line_bytes));
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::printf("usage: nf4_round_trip CHECKPOINT WORK\n");
    return 2;
  }
  if (!std::filesystem::exists(argv[1])) {
    std::printf("skipped: %s was not fetched\n", argv[1]);
    return 77;
  }
  return compare(argv[1], argv[2]);
} catch (const plimsoll::Error& error) {
  std::printf("FAILED: %s\n", error.what());
  return 1;
}
