#include <sys/mount.h>

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "io/checkpoint.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "stored_components.hpp"
#include "tests/io/mentions.hpp"
#include "tests/io/scratch_directory.hpp"

namespace fs = std::filesystem;
using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::Load;

namespace {

Config to_nf4() {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("to", "nf4");
  return config;
}

/// A small file system of its own, where this process may have one.
class SmallDisk {
 public:
  SmallDisk(std::string path, const char* size) : path_(std::move(path)) {
    fs::create_directory(path_);
    const std::string options = std::string("size=") + size;
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool is_mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("a written checkpoint holds what a load into memory holds") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  for (const char* slots : {"1", "4"}) {
    for (const char* shard_size : {"5GB", "30kB"}) {
      INFO(slots << " slots, shards of " << shard_size);
      Engine engine(to_nf4().set("slots", slots).set("shard-size", shard_size));
      const std::string out = scratch.path(std::string("out-") + slots + shard_size);
      auto load = engine.quantize(scratch.path("model"), out);
      CHECK(load.get().tensors().empty());
      const plimsoll::Model model = engine.load(scratch.path("model")).get();
      CHECK(stored_components(out) == components_of(model));
      CHECK(fs::exists(out + "/model.safetensors") == (std::string(shard_size) == "5GB"));
      CHECK(fs::exists(out + "/model.safetensors.index.json") ==
            (std::string(shard_size) == "30kB"));

      std::uint64_t written = 0;
      std::uint64_t weights = 0;
      for (const auto& [name, content] : files_below(out)) {
        written += content.size();
        if (name.ends_with(".safetensors")) weights += content.size();
      }
      CHECK(load.report().bytes_written == written);
      CHECK(load.plan().output_bytes == weights);
      CHECK(load.report().peak_bytes <= load.report().load_line_bytes);
      CHECK(load.report().final_bytes == 0);
    }
  }
}

TEST_CASE("kept and cast tensors of all kinds can be written too") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("all.safetensors"), tensors_of_all_kinds());
  for (const char* to : {"keep", "f16"}) {
    for (const char* source : {"pread", "direct"}) {
      INFO(to << ", " << source);
      Engine engine(to_nf4().set("to", to).set("source", source));
      const std::string out = scratch.path(std::string(to) + source);
      engine.quantize(path, out).wait();
      CHECK(stored_components(out) == components_of(engine.load(path).get()));
    }
  }
}

TEST_CASE("the other files come along, and config.json tells of the quantization") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  Engine engine(to_nf4());
  engine.quantize(scratch.path("model"), scratch.path("out")).wait();
  auto files = files_below(scratch.path("out"));
  CHECK(files.size() == 3);
  CHECK(files["tokenizer.json"] == files_below(scratch.path("model"))["tokenizer.json"]);
  CHECK_MENTIONS(files["config.json"], "\"model_type\"");
  CHECK_MENTIONS(files["config.json"], "\"quantization_config\"");
  CHECK_MENTIONS(files["config.json"], "\"bnb_4bit_quant_type\":\"nf4\"");
  CHECK_MENTIONS(files["config.json"], "\"lm_head\"");
}

TEST_CASE("an output that exists is refused, and replaced when that is asked for") {
  const ScratchDirectory scratch;
  write_checkpoint(scratch.path("model"), small_language_model());
  const std::string out = scratch.path("out");
  Engine engine(to_nf4());
  engine.quantize(scratch.path("model"), out).wait();
  const auto first = files_below(out);
  auto refused = engine.quantize(scratch.path("model"), out);
  CHECK_REFUSED(static_cast<void>(refused.report()), ErrorCode::output_exists, out);
  CHECK(files_below(out) == first);

  plimsoll::LoadOptions forced;
  forced.config = to_nf4().set("to", "nf4:blocksize=128").set("force", "true");
  engine.quantize(scratch.path("model"), out, forced).wait();
  const auto second = files_below(out);
  CHECK(second.size() == first.size());
  CHECK(second != first);
}

TEST_CASE("an output inside the source's directory is a checkpoint of its own") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  write_checkpoint(model, small_language_model());
  const auto source = files_below(model);
  Engine engine(to_nf4());
  engine.quantize(model, model + "/nf4").wait();
  CHECK(files_below(model + "/nf4").size() == 3);
  for (const auto& [name, content] : source) CHECK(files_below(model)[name] == content);
  CHECK(stored_components(model + "/nf4") == components_of(engine.load(model).get()));
}

TEST_CASE("the source is never the output, whatever is asked for") {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  write_checkpoint(model, small_language_model());
  const auto source = files_below(model);
  for (const char* wish : {"", "force", "resume"}) {
    Config config = to_nf4();
    if (*wish != '\0') config.set(wish, "true");
    Engine engine(config);
    for (const std::string& out : {model, model + "/../model/"}) {
      auto load = engine.quantize(model, out);
      const ErrorCode code = *wish == '\0' ? ErrorCode::output_exists : ErrorCode::invalid_argument;
      INFO(wish << ' ' << out);
      bool refused = false;
      try {
        static_cast<void>(load.report());
      } catch (const plimsoll::Error& error) {
        refused = error.code() == code || error.code() == ErrorCode::invalid_argument;
      }
      CHECK(refused);
      CHECK(files_below(model) == source);
    }
  }
}

TEST_CASE("a full disk is told from other failures and leaves nothing that looks whole") {
  const ScratchDirectory scratch;
  const SmallDisk disk(scratch.path("disk"), "100k");
  if (!disk.is_mounted()) {
    WARN("not tested: this process may not mount a small file system");
    return;
  }
  write_checkpoint(scratch.path("model"), small_language_model());
  Engine engine(to_nf4().set("to", "keep"));
  auto load = engine.quantize(scratch.path("model"), scratch.path("disk/out"));
  CHECK_REFUSED(static_cast<void>(load.report()), ErrorCode::disk_full, scratch.path("disk/out"));
  CHECK(files_below(scratch.path("disk")).empty());
}

TEST_CASE("a failed source leaves no output") {
  const ScratchDirectory scratch;
  const std::string path = scratch.write("bad.safetensors", safetensors_file("{", ""));
  Engine engine(to_nf4());
  auto load = engine.quantize(path, scratch.path("out"));
  CHECK_REFUSED(static_cast<void>(load.report()), ErrorCode::malformed, "bad.safetensors");
  CHECK_FALSE(fs::exists(scratch.path("out")));
  CHECK_REFUSED(static_cast<void>(engine.quantize(path, "")), ErrorCode::invalid_argument,
                "output");
}
