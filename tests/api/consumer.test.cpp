#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "component_expectation.hpp"
#include "plimsoll/engine.hpp"
#include "refusals.hpp"
#include "small_checkpoint.hpp"
#include "tests/io/scratch_directory.hpp"
#include "waiting.hpp"

using plimsoll::Config;
using plimsoll::Engine;
using plimsoll::ErrorCode;
using plimsoll::FinishedTensor;
using plimsoll::LoadOptions;
using plimsoll::codecs::Format;
using plimsoll::codecs::FormatKind;

namespace {

const FormatOf weights_to_nf4 = [](const SourceTensor& source) {
  return source.name.ends_with(".weight") ? Format{FormatKind::nf4} : Format{};
};

Config small_units() {
  Config config;
  config.set("threads", "2").set("unit-bytes", "4KiB").set("match", "weight$ -> nf4");
  return config;
}

/// Keeps tensors instead of giving them back.
class Hoard {
 public:
  void keep(FinishedTensor tensor) {
    {
      const std::lock_guard lock(mutex_);
      kept_.push_back(std::move(tensor));
    }
    changed_.notify_all();
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return kept_.size() >= count; });
  }
  [[nodiscard]] std::size_t size() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  void give_back_first() {
    const std::lock_guard lock(mutex_);
    kept_.erase(kept_.begin());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FinishedTensor> kept_;
};

}  // namespace

TEST_CASE("a consumer gets every tensor exactly once, whole") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  std::map<std::string, const SourceTensor*> expected;
  for (const SourceTensor& source : sources) expected[source.name] = &source;
  for (const char* slots : {"1", "8"}) {
    for (const char* devices : {"host", "host:0,host:1"}) {
      INFO(slots << " slots on " << devices);
      std::map<std::string, int> times;
      std::string differences;
      LoadOptions options;
      options.consumer = [&](const FinishedTensor& finished) {
        const std::string name(finished->name);
        ++times[name];
        const auto source = expected.find(name);
        differences += source == expected.end() ? "unexpected " + name
                                                : difference(finished.tensor(), *source->second,
                                                             weights_to_nf4(*source->second));
      };
      Engine engine(small_units().set("slots", slots).set("devices", devices));
      auto load = engine.load(path, options);
      CHECK(load.get().tensors().empty());
      CHECK(differences.empty());
      CHECK(times.size() == sources.size());
      for (const auto& [name, count] : times) CHECK(count == 1);
      CHECK(load.report().peak_bytes <= load.report().load_line_bytes);
    }
  }
}

TEST_CASE("a consumer that holds both buffers stalls its load, and no other") {
  const ScratchDirectory scratch;
  std::vector<SourceTensor> sources;
  for (int i = 0; i < 12; ++i) {
    sources.push_back(
        random_tensor(std::to_string(i) + ".weight", plimsoll::Dtype::bf16, {64, 64}));
  }
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  Engine engine(small_units().set("slots", "1"));
  Hoard hoard;
  LoadOptions options;
  options.consumer = [&](FinishedTensor tensor) { hoard.keep(std::move(tensor)); };
  auto stalled = engine.load(path, options);
  hoard.wait_for(2);
  // Other loads of the engine pass through the same threads and slot, as often as they like.
  for (int i = 0; i < 3; ++i) {
    CHECK(difference(engine.load(path).get().tensors(), sources, weights_to_nf4) == "");
  }
  CHECK(hoard.size() == 2);
  CHECK_FALSE(stalled.wait_for(std::chrono::nanoseconds(0)));
  for (std::size_t given_back = 0; given_back < sources.size() - 2; ++given_back) {
    hoard.give_back_first();
    hoard.wait_for(2);  // each return brings one more
  }
  CHECK(stalled.progress().units_done == stalled.plan().units);
  CHECK_FALSE(stalled.wait_for(std::chrono::nanoseconds(0)));
  hoard.give_back_first();
  hoard.give_back_first();
  CHECK(stalled.report().units == stalled.plan().units);
}

TEST_CASE("what a consumer throws ends its load, and it gets no more") {
  const ScratchDirectory scratch;
  const auto sources = tensors_of_all_kinds();
  const std::string path = write_weights(scratch.path("model.safetensors"), sources);
  Engine engine(small_units());
  std::atomic<int> calls = 0;
  LoadOptions options;
  options.consumer = [&](const FinishedTensor& tensor) {
    ++calls;
    if (tensor->name == "layers.1.row") throw std::runtime_error("no room for it");
  };
  auto load = engine.load(path, options);
  CHECK_REFUSED(static_cast<void>(load.get()), ErrorCode::consumer_failed,
                "layers.1.row: no room for it");
  CHECK(calls < static_cast<int>(sources.size()));
  calls = 0;
  options.consumer = [&](const FinishedTensor&) {
    ++calls;
    throw 7;
  };
  CHECK_REFUSED(static_cast<void>(engine.load(path, options).get()), ErrorCode::consumer_failed,
                "threw");
  CHECK(calls == 1);
}

TEST_CASE("a load that is cancelled while its consumer holds a tensor ends when it is given back") {
  const ScratchDirectory scratch;
  const std::string path = write_weights(scratch.path("model.safetensors"), tensors_of_all_kinds());
  Engine engine(small_units());
  Moment held;
  Moment go_on;
  LoadOptions options;
  options.consumer = [&](const FinishedTensor&) {
    held.reach();
    go_on.wait();
  };
  auto load = engine.load(path, options);
  held.wait();
  load.cancel();
  CHECK_FALSE(load.wait_for(std::chrono::nanoseconds(0)));
  go_on.reach();
  CHECK_REFUSED(static_cast<void>(load.report()), ErrorCode::cancelled, "cancelled");
}

TEST_CASE("a consumer and destinations cannot both have the tensors") {
  Engine engine;
  LoadOptions options;
  options.consumer = [](const FinishedTensor&) {};
  options.destination = [](const plimsoll::Placement&) -> std::byte* { return nullptr; };
  CHECK_REFUSED(static_cast<void>(engine.load("x", options)), ErrorCode::invalid_argument,
                "not both");
}
