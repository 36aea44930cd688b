#include "plan/placement.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rules/natural_order.hpp"

using plimsoll::plan::layer_of;
using plimsoll::plan::place_by_layers;
using plimsoll::plan::Placeable;
using plimsoll::rules::natural_less;

namespace {

std::uint64_t fullest(const std::vector<std::uint64_t>& held) {
  return *std::max_element(held.begin(), held.end());
}

/// The least possible load of the fullest device, by trying every division of the layers.
std::uint64_t best_by_trying_all(const std::vector<std::uint64_t>& layers, std::size_t first,
                                 std::size_t devices) {
  std::uint64_t here = 0;
  if (devices == 1) {
    for (std::size_t i = first; i < layers.size(); ++i) here += layers[i];
    return here;
  }
  std::uint64_t best = ~std::uint64_t{0};
  for (std::size_t end = first; end <= layers.size(); ++end) {
    best = std::min(best, std::max(here, best_by_trying_all(layers, end, devices - 1)));
    if (end < layers.size()) here += layers[end];
  }
  return best;
}

struct Named {
  std::string name;
  std::uint64_t bytes;
};

std::vector<Placeable> placeable(const std::vector<Named>& tensors) {
  std::vector<Placeable> list;
  for (const Named& tensor : tensors) list.push_back({tensor.name, tensor.bytes});
  return list;
}

/// Layers of one to three tensors each, shuffled as files may have them.
std::vector<Named> random_tensors(std::mt19937& random, std::size_t layers) {
  std::vector<Named> tensors;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    for (auto i = random() % 3 + 1; i > 0; --i) {
      tensors.push_back(
          {"model.layers." + std::to_string(layer) + ".m" + std::to_string(i) + ".weight",
           random() % 5 == 0 ? 0 : random() % 100});
    }
  }
  std::shuffle(tensors.begin(), tensors.end(), random);
  return tensors;
}

}  // namespace

TEST_CASE("a layer is named up to its first number, other tensors by their module") {
  CHECK(layer_of("model.layers.3.mlp.experts.7.up_proj.weight") == "model.layers.3");
  CHECK(layer_of("model.layers.12") == "model.layers.12");
  CHECK(layer_of("0.weight") == "0");
  CHECK(layer_of("model.embed_tokens.weight") == "model.embed_tokens");
  CHECK(layer_of("model.fc1.weight") == "model.fc1");
  CHECK(layer_of("weight") == "weight");
  CHECK(layer_of("").empty());
  CHECK(layer_of("a..b") == "a.");
  CHECK(layer_of("a.") == "a");
}

TEST_CASE("with one device everything is on it") {
  const std::vector<Named> tensors = {{"a.0.w", 5}, {"b", 7}};
  CHECK(place_by_layers(placeable(tensors), 1) == std::vector<std::uint16_t>{0, 0});
  CHECK(place_by_layers({}, 4).empty());
}

TEST_CASE("equal layers are shared out evenly and in the order of their numbers") {
  std::vector<Named> tensors;
  for (int i = 11; i >= 0; --i) tensors.push_back({"h." + std::to_string(i) + ".w", 10});
  const auto placed = place_by_layers(placeable(tensors), 4);
  for (int i = 0; i < 12; ++i) CHECK(placed[static_cast<std::size_t>(11 - i)] == i / 3);
}

TEST_CASE("more devices than layers leave some empty and use the rest in order") {
  const std::vector<Named> tensors = {{"h.0.w", 1}, {"h.1.w", 1}};
  const auto placed = place_by_layers(placeable(tensors), 5);
  CHECK(placed[0] < placed[1]);
  CHECK(placed[1] < 5);
}

TEST_CASE("the fullest device holds the least that any division into whole layers allows") {
  std::mt19937 random(3);
  for (int round = 0; round < 600; ++round) {
    const std::size_t layer_count = random() % 9 + 1;
    const auto devices = static_cast<std::uint16_t>(random() % 4 + 1);
    const std::vector<Named> tensors = random_tensors(random, layer_count);
    std::vector<std::uint64_t> layers(layer_count, 0);
    for (const Named& tensor : tensors) {
      layers[static_cast<std::size_t>(std::stoi(tensor.name.substr(13)))] += tensor.bytes;
    }
    const auto placed = place_by_layers(placeable(tensors), devices);
    REQUIRE(placed.size() == tensors.size());
    std::vector<std::uint64_t> held(devices, 0);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      REQUIRE(placed[i] < devices);
      held[placed[i]] += tensors[i].bytes;
    }
    INFO("round " << round << ", " << layer_count << " layers on " << devices);
    REQUIRE(fullest(held) == best_by_trying_all(layers, 0, devices));
  }
}

TEST_CASE("layers stay whole and keep their natural order across devices") {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<Named> tensors = random_tensors(random, random() % 40 + 1);
    tensors.push_back({"lm_head.weight", random() % 200});
    tensors.push_back({"model.embed_tokens.weight", random() % 200});
    tensors.push_back({"model.norm.weight", random() % 3});
    const auto devices = static_cast<std::uint16_t>(random() % 6 + 2);
    const auto placed = place_by_layers(placeable(tensors), devices);
    std::map<std::string, std::uint16_t, decltype(&natural_less)> device_of(natural_less);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto [at, fresh] = device_of.emplace(std::string(layer_of(tensors[i].name)), placed[i]);
      REQUIRE((fresh || at->second == placed[i]));
    }
    std::uint16_t last = 0;
    for (const auto& [layer, device] : device_of) {
      REQUIRE(device >= last);
      last = device;
    }
  }
}
