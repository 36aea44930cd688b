#include <map>
#include <set>
#include <string>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;

TEST_CASE("several devices hold whole layers between them, and each keeps below its line") {
  const ScratchDirectory scratch;
  const auto shards = small_language_model();
  write_checkpoint(scratch.path("model"), shards);
  std::vector<SourceTensor> sources = shards[0];
  sources.insert(sources.end(), shards[1].begin(), shards[1].end());
  const FormatOf format_of = [](const SourceTensor& source) {
    const bool linear = source.name.find("proj") != std::string::npos;
    return linear ? Format{FormatKind::nf4} : Format{};
  };
  for (const char* devices : {"host:0,host:1", "host:0,host:1,host:2"}) {
    INFO(devices);
    Config config;
    config.set("devices", devices).set("to", "nf4").set("unit-bytes", "8KiB").set("slots", "2");
    Engine engine(config);
    auto load = engine.load(scratch.path("model"));
    const plimsoll::Model model = load.get();
    CHECK(difference(model.tensors(), sources, format_of) == "");

    std::map<std::string, std::set<std::string_view>> devices_of_layer;
    std::set<std::string_view> used;
    for (const plimsoll::Tensor& tensor : model.tensors()) {
      used.insert(tensor.device);
      if (!tensor.name.starts_with("model.layers.")) continue;
      devices_of_layer[std::string(tensor.name.substr(0, 14))].insert(tensor.device);
    }
    CHECK(devices_of_layer.size() == 2);
    for (const auto& [layer, its] : devices_of_layer) CHECK(its.size() == 1);
    CHECK(used.size() == load.report().devices.size());

    std::uint64_t final_bytes = 0;
    std::uint64_t peak_bytes = 0;
    for (const plimsoll::DeviceReport& device : load.report().devices) {
      INFO(device.planned.name);
      CHECK(used.contains(device.planned.name));
      CHECK(device.planned.units > 0);
      CHECK(device.peak_bytes >= device.planned.final_bytes);
      CHECK(device.peak_bytes <= device.planned.load_line_bytes);
      CHECK(device.peak_full_precision_tensors <= 2);
      final_bytes += device.planned.final_bytes;
      peak_bytes += device.peak_bytes;
    }
    CHECK(load.report().final_bytes == final_bytes);
    CHECK(load.report().peak_bytes == peak_bytes);
  }
}

TEST_CASE("a device without a tensor does not disturb the others") {
  const ScratchDirectory scratch;
  const auto source = random_tensor("w", plimsoll::Dtype::f32, {1000});
  Config config;
  config.set("devices", "host:0,host:1,host:2").set("to", "bf16");
  Engine engine(config);
  const auto model = engine.load(write_weights(scratch.path("model.safetensors"), {source})).get();
  const FormatOf bf16 = [](const SourceTensor&) { return Format{FormatKind::bf16}; };
  CHECK(difference(model.tensors(), {source}, bf16) == "");
}

TEST_CASE("devices that this build does not have are refused at once") {
  CHECK_REFUSED(Engine(Config().set("devices", "cuda:0")), plimsoll::ErrorCode::unsupported,
                "cuda:0");
  std::string many = "host:0";
  for (int i = 1; i < 65; ++i) many += ",host:" + std::to_string(i);
  CHECK_REFUSED(Engine(Config().set("devices", many)), plimsoll::ErrorCode::invalid_argument, "64");
}
