#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::LoadOptions;
using plimsoll::Placement;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;

namespace {

constexpr std::uint64_t guard_bytes = 8192;  // more than a direct read may be padded by
constexpr std::byte guard{0xA7};

/// Memory for one component between two guards.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::uint64_t bytes)
      : bytes_(bytes), memory_(guard_bytes + bytes + guard_bytes + 64, guard) {
    begin_ = memory_.data() + guard_bytes;
    while (reinterpret_cast<std::uintptr_t>(begin_) % 64 != 0) ++begin_;
  }

  [[nodiscard]] std::byte* begin() const { return begin_; }

  [[nodiscard]] bool is_guarded() const {
    const std::byte* const end = memory_.data() + memory_.size();
    const auto is_guard = [](std::byte byte) { return byte == guard; };
    return std::all_of(memory_.data(), static_cast<const std::byte*>(begin_), is_guard) &&
           std::all_of(static_cast<const std::byte*>(begin_ + bytes_), end, is_guard);
  }

 private:
  std::uint64_t bytes_;
  std::vector<std::byte> memory_;
  std::byte* begin_;
};

const FormatOf weights_to_nf4 = [](const SourceTensor& source) {
  return source.name.ends_with(".weight") ? Format{FormatKind::nf4} : Format{};
};

Config config_for(const char* source) {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("match", "weight$ -> nf4");
  config.set("source", source);
  return config;
}

}  // namespace

TEST_CASE("a load fills the caller's memory and writes nowhere beside it") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  for (const char* source : {"pread", "direct"}) {
    INFO(source);
    std::vector<std::unique_ptr<GuardedMemory>> places;
    LoadOptions options;
    options.destination = [&](const Placement& placement) {
      places.push_back(std::make_unique<GuardedMemory>(placement.bytes));
      return places.back()->begin();
    };
    Engine engine(config_for(source));
    auto load = engine.load(path, options);
    const plimsoll::Model model = load.get();
    CHECK(difference(model.tensors(), sources, weights_to_nf4) == "");
    std::size_t index = 0;
    for (const plimsoll::Tensor& tensor : model.tensors()) {
      for (const plimsoll::Component& component : tensor.components) {
        INFO(component.name);
        REQUIRE(index < places.size());
        CHECK(component.bytes.data() == places[index]->begin());
        CHECK(places[index]->is_guarded());
        ++index;
      }
    }
    CHECK(index == places.size());
    CHECK(load.report().peak_bytes < load.report().final_bytes + load.report().load_line_bytes);
    CHECK(load.report().peak_bytes <= load.report().load_line_bytes);
  }
}

TEST_CASE("the caller is told of every component what it needs to know") {
  const ScratchDirectory scratch;
  const auto source = random_tensor("w.weight", plimsoll::Dtype::f32, {5, 33});
  const std::string path = write_weights(scratch.path("model.safetensors"), {source});
  std::map<std::string, std::unique_ptr<GuardedMemory>> places;
  LoadOptions options;
  options.destination = [&](const Placement& placement) {
    CHECK(placement.tensor == "w.weight");
    CHECK(placement.device == "host");
    const auto expected = expected_components(source, weights_to_nf4(source));
    for (const ExpectedComponent& component : expected) {
      if (component.role != placement.role) continue;
      CHECK(placement.dtype == component.dtype);
      CHECK(placement.bytes == component.bytes.size());
      CHECK(std::equal(placement.shape.begin(), placement.shape.end(), component.shape.begin(),
                       component.shape.end()));
    }
    auto& place = places[std::string(placement.role)];
    place = std::make_unique<GuardedMemory>(placement.bytes);
    return place->begin();
  };
  Engine engine(config_for("pread"));
  CHECK(difference(engine.load(path, options).get().tensors(), {source}, weights_to_nf4) == "");
  CHECK(places.size() == 4);
}

TEST_CASE("memory that a load cannot use ends it before anything is read") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"),
                                         {random_tensor("first", plimsoll::Dtype::u8, {10}),
                                          random_tensor("second", plimsoll::Dtype::u8, {10})});
  alignas(64) static std::byte memory[128];
  struct Case {
    std::function<std::byte*()> second;
    ErrorCode code;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {[]() -> std::byte* { return nullptr; }, ErrorCode::invalid_argument, "no memory"},
      {[] { return memory + 72; }, ErrorCode::invalid_argument, "aligned"},
      {[]() -> std::byte* { throw std::runtime_error("none left"); }, ErrorCode::consumer_failed,
       "none left"},
      {[]() -> std::byte* { throw 7; }, ErrorCode::consumer_failed, "threw"},
  };
  Engine engine(config_for("pread"));
  for (const Case& each : cases) {
    LoadOptions options;
    options.destination = [&](const Placement& placement) {
      return placement.tensor == "second" ? each.second() : memory;
    };
    auto load = engine.load(path, options);
    CHECK_REFUSED(static_cast<void>(load.get()), each.code, "second: ");
    CHECK_REFUSED(static_cast<void>(load.get()), each.code, each.reason);
    CHECK(load.progress().bytes_read == 0);
  }
}

TEST_CASE("a tensor without numbers may have no memory") {
  const ScratchDirectory scratch;
  const auto source = random_tensor("none.weight", plimsoll::Dtype::bf16, {0, 64});
  const std::string path = write_weights(scratch.path("model.safetensors"), {source});
  LoadOptions options;
  alignas(64) static std::byte memory[3][256];
  options.destination = [&](const Placement& placement) -> std::byte* {
    if (placement.bytes == 0) return nullptr;
    return memory[placement.role == "quant_map" ? 1 : 2];
  };
  Engine engine(config_for("pread"));
  const auto model = engine.load(path, options).get();
  CHECK(difference(model.tensors(), {source}, weights_to_nf4) == "");
}
