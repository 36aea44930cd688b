#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "plimsoll/engine.hpp"
#include "small_checkpoint.hpp"
#include "stored_components.hpp"
#include "tests/io/scratch_directory.hpp"

// What the page cache lacks is read by threads of the source instead of the stages' workers. These
// tests take the files out of it, so that the thread sanitizer sees what passes between the two.

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::FinishedTensor;
using plimsoll::LoadOptions;
using plimsoll::Placement;

namespace {

/// Takes the weights of a checkpoint out of the page cache (where the file system has one).
void forget_pages(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw std::runtime_error("cannot open " + entry.path().string());
    const bool forgotten =
        ::fdatasync(file) == 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
    ::close(file);
    if (!forgotten) throw std::runtime_error("cannot forget " + entry.path().string());
  }
}

/// Memory of the alignment that a destination must have.
struct alignas(64) Line {
  std::byte bytes[64];
};

/// Kept and converted units, many to a tensor, in one or several slots.
std::vector<Config> configs() {
  std::vector<Config> configs;
  for (const char* recipe : {"keep", "nf4", "f32"}) {
    for (const char* slots : {"1", "8"}) {
      Config config;
      config.set("threads", "2").set("source", "pread");
      config.set("unit-bytes", "4KiB").set("to", recipe).set("slots", slots);
      configs.push_back(std::move(config));
    }
  }
  return configs;
}

/// Makes the components of a checkpoint with an engine.
using Loading = std::function<StoredComponents(Engine& engine, const std::string& checkpoint)>;

/// In every config: what comes of files that are not in the page cache, several times with one
/// engine, is what a load of cached files into memory gives.
void check_uncached(const Loading& load) {
  const ScratchDirectory scratch;
  const std::string model = scratch.path("model");
  write_checkpoint(model, small_language_model());
  for (const Config& config : configs()) {
    const StoredComponents expected = components_of(Engine(config).load(model).get());
    Engine engine(config);
    for (int round = 0; round < 3; ++round) {
      forget_pages(model);
      CHECK(load(engine, model) == expected);
    }
  }
}

}  // namespace

TEST_CASE("files that are not in the page cache become the same model") {
  check_uncached([](Engine& engine, const std::string& model) {
    return components_of(engine.load(model).get());
  });
}

TEST_CASE("files that are not in the page cache fill the caller's memory, and again") {
  std::vector<std::vector<Line>> places;
  check_uncached([&](Engine& engine, const std::string& model) {
    std::size_t used = 0;
    LoadOptions options;
    options.destination = [&](const Placement& placement) {
      if (used == places.size()) places.emplace_back();
      std::vector<Line>& place = places[used++];
      place.resize(std::max(place.size(), placement.bytes / sizeof(Line) + 1));
      std::memset(place.data(), 0xA7, place.size() * sizeof(Line));
      return place.front().bytes;
    };
    return components_of(engine.load(model, options).get());
  });
}

TEST_CASE("files that are not in the page cache reach a consumer whole") {
  check_uncached([](Engine& engine, const std::string& model) {
    StoredComponents got;
    LoadOptions options;
    options.consumer = [&](const FinishedTensor& finished) {
      got.merge(components_of(finished.tensor()));
    };
    engine.load(model, options).wait();
    return got;
  });
}

TEST_CASE("files that are not in the page cache become the same checkpoint") {
  const ScratchDirectory scratch;
  const std::string out = scratch.path("out");
  check_uncached([&](Engine& engine, const std::string& model) {
    std::filesystem::remove_all(out);
    engine.quantize(model, out).wait();
    return stored_components(out);
  });
}
