#include "cli/synth_checkpoint.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "catch.hpp"
#include "io/checkpoint.hpp"

namespace fs = std::filesystem;
using namespace plimsoll;
using cli::SynthOptions;
using cli::write_synthetic_checkpoint;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "plimsoll-synth-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] SynthOptions tiny(const char* name) const {
    return {.shape = "tiny", .directory = (path / name).string()};
  }

  fs::path path;
};

/// Name to content of everything in a directory.
std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    files[entry.path().filename().string()] = text.str();
  }
  return files;
}

/// Files of this process may grow no further than this while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("a synthetic checkpoint opens like a real one") {
  const Folder folder;
  const SynthOptions options = folder.tiny("a");
  const auto report = write_synthetic_checkpoint(options);
  REQUIRE(report);
  const auto catalogue = io::open_checkpoint(options.directory);
  REQUIRE(catalogue);
  CHECK(catalogue->tensors.size() == report->tensors);
  CHECK(catalogue->metadata == std::map<std::string, std::string>{{"format", "pt"}});
  REQUIRE(catalogue->files.size() == 1);
  CHECK(catalogue->files[0].bytes == report->bytes);
  std::uint64_t bytes = 0;
  for (const io::TensorEntry& tensor : catalogue->tensors) {
    CHECK(tensor.dtype == Dtype::bf16);
    bytes += tensor.bytes;
  }
  CHECK(bytes == 2 * report->parameters);
  const auto files = contents(options.directory);
  CHECK(files.size() == 4);
  CHECK(files.contains("config.json"));
  CHECK(files.contains("generation_config.json"));
  CHECK(files.contains("tokenizer_config.json"));
}

TEST_CASE("several shards come with an index, and together hold the same tensors") {
  const Folder folder;
  SynthOptions options = folder.tiny("a");
  options.shard_bytes = 1'000'000;
  const auto report = write_synthetic_checkpoint(options);
  REQUIRE(report);
  CHECK(report->shards > 3);
  CHECK(fs::exists(fs::path(options.directory) / "model.safetensors.index.json"));
  const auto catalogue = io::open_checkpoint(options.directory);
  REQUIRE(catalogue);
  CHECK(catalogue->files.size() == report->shards);
  CHECK(catalogue->tensors.size() == report->tensors);
}

TEST_CASE("the bytes depend on the seed and not on the threads") {
  const Folder folder;
  SynthOptions one = folder.tiny("one");
  one.threads = 1;
  SynthOptions three = folder.tiny("three");
  three.threads = 3;
  SynthOptions other = folder.tiny("other");
  other.seed = 1;
  REQUIRE(write_synthetic_checkpoint(one));
  REQUIRE(write_synthetic_checkpoint(three));
  REQUIRE(write_synthetic_checkpoint(other));
  const bool same = contents(one.directory) == contents(three.directory);
  CHECK(same);
  const bool differ = contents(one.directory) != contents(other.directory);
  CHECK(differ);
}

TEST_CASE("a sparse checkpoint has the headers, the lengths and no data") {
  const Folder folder;
  SynthOptions options{.shape = "llama3-8b", .directory = (folder.path / "big").string()};
  options.sparse = true;
  const auto report = write_synthetic_checkpoint(options);
  REQUIRE(report);
  CHECK(report->shards == 4);
  const auto catalogue = io::open_checkpoint(options.directory);
  REQUIRE(catalogue);
  // The lengths of the published files, to the byte.
  const std::uint64_t published[] = {4976698672, 4999802720, 4915916176, 1168138808};
  for (std::size_t i = 0; i < 4; ++i) CHECK(catalogue->files[i].bytes == published[i]);
}

TEST_CASE("the sparse deepseek-v3 has as many tensors and shards as the published one") {
  const Folder folder;
  SynthOptions options{.shape = "deepseek-v3", .directory = (folder.path / "huge").string()};
  options.sparse = true;
  const auto report = write_synthetic_checkpoint(options);
  REQUIRE(report);
  CHECK(report->shards == 163);
  CHECK(report->tensors == 91'991);
  const auto catalogue = io::open_checkpoint(options.directory);
  REQUIRE(catalogue);
  CHECK(catalogue->tensors.size() == 91'991);
}

TEST_CASE("the numbers of an FP8 checkpoint are stored in their own dtypes") {
  const Folder folder;
  const SynthOptions options{.shape = "tiny-fp8", .directory = (folder.path / "a").string()};
  const auto report = write_synthetic_checkpoint(options);
  REQUIRE(report);
  const auto catalogue = io::open_checkpoint(options.directory);
  REQUIRE(catalogue);
  const std::string data = contents(options.directory).at("model.safetensors");
  std::uint64_t scales = 0;
  std::uint64_t codes = 0;
  bool plausible = true;
  for (const io::TensorEntry& tensor : catalogue->tensors) {
    const std::string_view bytes = std::string_view(data).substr(tensor.offset, tensor.bytes);
    if (tensor.name.ends_with("_scale_inv")) {
      CHECK(tensor.dtype == Dtype::f32);
      for (std::size_t i = 0; i < bytes.size(); i += 4, ++scales) {
        float scale = 0;
        std::memcpy(&scale, bytes.data() + i, 4);
        plausible &= scale > 4e-4f && scale < 1.6e-3f;
      }
    } else if (tensor.dtype == Dtype::f8_e4m3) {
      for (const char code : bytes) plausible &= (code & 0x7f) != 0x7f;
      codes += bytes.size();
    }
  }
  CHECK(plausible);
  CHECK(scales > codes / 16384);
  CHECK(codes > 1'000'000);
}

TEST_CASE("an output that is there already is refused and left alone") {
  const Folder folder;
  const SynthOptions options = folder.tiny("a");
  fs::create_directory(options.directory);
  std::ofstream(fs::path(options.directory) / "mine") << "precious";
  const auto refused = write_synthetic_checkpoint(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::output_exists);
  CHECK(contents(options.directory) == std::map<std::string, std::string>{{"mine", "precious"}});

  SynthOptions file = options;
  file.directory += "/mine";
  const auto no_directory = write_synthetic_checkpoint(file);
  REQUIRE_FALSE(no_directory);
  CHECK(no_directory.error().code() == ErrorCode::output_exists);
}

TEST_CASE("an empty directory is taken, a parent that is missing is not made") {
  const Folder folder;
  const SynthOptions options = folder.tiny("a");
  fs::create_directory(options.directory);
  CHECK(write_synthetic_checkpoint(options));
  const auto orphan = write_synthetic_checkpoint(folder.tiny("none/a"));
  REQUIRE_FALSE(orphan);
  CHECK(orphan.error().code() == ErrorCode::write_failed);
}

TEST_CASE("a run that fails half-way leaves nothing") {
  const Folder folder;
  const SynthOptions options = folder.tiny("a");
  SynthOptions sparse = folder.tiny("b");
  sparse.sparse = true;
  fs::create_directory(sparse.directory);
  {
    const FileSizeLimit limit(100'000);
    const auto refused = write_synthetic_checkpoint(options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::write_failed);
    CHECK(refused.error().file() == options.directory + "/model.safetensors");
    CHECK_FALSE(write_synthetic_checkpoint(sparse));
  }
  CHECK_FALSE(fs::exists(options.directory));
  CHECK(fs::is_empty(sparse.directory));
}
