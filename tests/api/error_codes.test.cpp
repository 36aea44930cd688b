#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "cancelled_at.hpp"
#include "catch.hpp"
#include "plimsoll/engine.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"

namespace fs = std::filesystem;
using plimsoll::Config;
using plimsoll::Dtype;
using plimsoll::Engine;
using plimsoll::Error;
using plimsoll::ErrorCode;
using plimsoll::Load;
using plimsoll::LoadOptions;
using plimsoll::Placement;

namespace {

/// What the provoking calls work with.
struct Scene {
  ScratchDirectory scratch;
  std::string model = scratch.path("model");
  alignas(64) std::byte memory[1 << 16];

  Scene() { write_checkpoint(model, {{random_tensor("w.weight", Dtype::f32, {40, 33})}}); }

  [[nodiscard]] std::string weights() const { return model + "/model.safetensors"; }

  /// Loads, with one setting.
  void load(const std::string& path, const char* name = "threads", const char* value = "1",
            LoadOptions options = {}) const {
    Engine engine(Config().set(name, value));
    static_cast<void>(engine.load(path, std::move(options)).get());
  }

  /// Loads a file that becomes shorter after the plan was drawn.
  void shrink(const char* source) {
    LoadOptions options;
    options.destination = [&](const Placement&) {
      fs::resize_file(weights(), 200);
      return memory;
    };
    load(model, "source", source, options);
  }

  void quantize(const std::string& out, const char* to, bool resume = false,
                std::uint32_t cancelled_at = 1000) const {
    Config config = Config().set("to", to).set("skip", "").set("unit-bytes", "1kB");
    config.set("shard-size", "1KiB");
    if (resume) config.set("resume", "true");
    Engine engine(config);
    CancelledAt cancelled(cancelled_at);
    Load load = engine.quantize(model, out, cancelled.options());
    cancelled.begin(load);
    static_cast<void>(load.report());
  }
};

/// One way to come by an error: the call, and what its line must name.
struct Case {
  ErrorCode code;
  std::string mentions;
  std::function<void(Scene&)> provoke;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {ErrorCode::invalid_argument, "slots",
       [](Scene& scene) { scene.load(scene.model, "slots", "0"); }},
      {ErrorCode::invalid_argument, "(unclosed",
       [](Scene& scene) { scene.load(scene.model, "match", "(unclosed -> nf4"); }},
      {ErrorCode::invalid_config, "a.toml:2",
       [](Scene& scene) {
         const Engine engine(Config::from_file(scene.scratch.write("a.toml", "\nslotz = 1\n")));
       }},
      {ErrorCode::not_found, "/nowhere", [](Scene& scene) { scene.load("/nowhere"); }},
      {ErrorCode::not_found, "shard.safetensors",
       [](Scene& scene) {
         scene.scratch.write("model.safetensors.index.json",
                             R"({"weight_map":{"w":"shard.safetensors"}})");
         scene.load(scene.scratch.path());
       }},
      {ErrorCode::malformed, "cut.safetensors",
       [](Scene& scene) { scene.load(scene.scratch.write("cut.safetensors", "1234")); }},
      {ErrorCode::malformed, "oddity",
       [](Scene& scene) {
         const std::string json = R"({"oddity":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}})";
         scene.load(scene.scratch.write("odd.safetensors", safetensors_file(json, "1234567")));
       }},
      {ErrorCode::malformed, "config.json",
       [](Scene& scene) {
         std::ofstream(scene.model + "/config.json") << "{";
         scene.load(scene.model);
       }},
      {ErrorCode::unsupported, "cuda:3",
       [](Scene& scene) { scene.load(scene.model, "devices", "cuda:3"); }},
      {ErrorCode::unsupported, "ids",
       [](Scene& scene) {
         write_checkpoint(scene.model, {{random_tensor("ids", Dtype::i64, {8})}});
         scene.load(scene.model, "match", "ids -> bf16");
       }},
      {ErrorCode::unsupported, "already",
       [](Scene& scene) {
         std::ofstream(scene.model + "/config.json")
             << R"({"quantization_config":{"quant_method":"bitsandbytes"}})";
         scene.load(scene.model, "to", "bf16");
       }},
      {ErrorCode::unsupported, "layout",
       [](Scene& scene) { scene.load(scene.model, "layout", "gguf"); }},
      {ErrorCode::infeasible_budget, "smallest",
       [](Scene& scene) { scene.load(scene.model, "budget", "10"); }},
      {ErrorCode::out_of_memory, "host",
       [](Scene& scene) {
         Config config = Config().set("source", "pread");
         const std::uint64_t line = Engine(config).plan(scene.model).load_line_bytes;
         Engine engine(config.set("budget", std::to_string(line)));
         const auto model = engine.load(scene.model).get();
         static_cast<void>(engine.load(scene.model).get());
       }},
      {ErrorCode::read_failed, "model.safetensors", [](Scene& scene) { scene.shrink("pread"); }},
      {ErrorCode::read_failed, "model.safetensors", [](Scene& scene) { scene.shrink("direct"); }},
      {ErrorCode::write_failed, "aaaa",
       [](Scene& scene) { scene.quantize(scene.scratch.path(std::string(300, 'a')), "bf16"); }},
      {ErrorCode::write_failed, "none/run.trace",
       [](Scene& scene) {
         scene.load(scene.model, "trace", scene.scratch.path("none/run.trace").c_str());
       }},
      {ErrorCode::disk_full, "/dev/full",
       [](Scene& scene) { scene.load(scene.model, "trace", "/dev/full"); }},
      {ErrorCode::output_exists, "out",
       [](Scene& scene) {
         scene.scratch.write("out", "a file");
         scene.quantize(scene.scratch.path("out"), "bf16");
       }},
      {ErrorCode::resume_mismatch, "other settings",
       [](Scene& scene) {
         const std::string out = scene.scratch.path("out");
         scene.quantize(out, "bf16");
         scene.quantize(out, "f16", true);
       }},
      {ErrorCode::names_differ, "missing",
       [](Scene& scene) {
         Engine engine(Config().set("strict", "true").set("layout", "transformers"));
         LoadOptions options;
         options.expected = {{"w.weight", Dtype::f32, {40, 33}}, {"v.weight", Dtype::f32, {2}}};
         static_cast<void>(engine.load(scene.model, std::move(options)).get());
       }},
      {ErrorCode::cancelled, "cancelled",
       [](Scene& scene) { scene.quantize(scene.scratch.path("out"), "bf16", false, 1); }},
      {ErrorCode::consumer_failed, "w.weight: no room",
       [](Scene& scene) {
         LoadOptions options;
         options.consumer = [](const plimsoll::FinishedTensor&) {
           throw std::runtime_error("no room");
         };
         scene.load(scene.model, "threads", "1", options);
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("each failure has its code and names what it is about") {
  for (const Case& each : cases()) {
    INFO(name_of(each.code) << " for " << each.mentions);
    Scene scene;
    std::string line = "nothing was thrown";
    std::string code;
    try {
      each.provoke(scene);
    } catch (const Error& error) {
      line = error.what();
      code = name_of(error.code());
    }
    INFO(line);
    CHECK(code == name_of(each.code));
    CHECK(line.find(each.mentions) != std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
  }
}

TEST_CASE("every error code has a case that provokes it") {
  std::map<ErrorCode, int> provoked;
  for (const Case& each : cases()) ++provoked[each.code];
  provoked[ErrorCode::internal] = 1;  // stands for defects, which no call can provoke
  for (int i = 0; i < plimsoll::error_code_count; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    INFO(name_of(code));
    CHECK(provoked[code] > 0);
  }
}
