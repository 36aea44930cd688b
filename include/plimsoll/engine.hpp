#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plimsoll/config.hpp"
#include "plimsoll/error.hpp"
#include "plimsoll/expected_tensor.hpp"
#include "plimsoll/export.hpp"
#include "plimsoll/load.hpp"
#include "plimsoll/model.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll {

/// A component that needs memory of the caller's.
struct Placement {
  std::string_view tensor;
  std::string_view role;  ///< "data", "absmax", ...
  Dtype dtype = Dtype::u8;
  std::span<const std::uint64_t> shape;
  std::uint64_t bytes = 0;
  std::string_view device;
};

/// What a single load may have of its own.
struct LoadOptions {
  /// Settings in place of the engine's, but for its devices, threads and number of slots, which all
  /// loads of an engine share.
  std::optional<Config> config;

  /// Called after units, from a thread of the engine, at most every `progress_interval` and once at
  /// the end. Must not block and must not throw.
  std::function<void(const Progress&)> on_progress;
  double progress_interval = 0.1;  ///< seconds

  /// Gives the memory for a component: at least `bytes`, aligned to 64, alive until the load has
  /// ended and as long as the model is used. Called while planning. Null is an error; an exception
  /// ends the load with consumer_failed.
  std::function<std::byte*(const Placement&)> destination;

  /// Takes every finished tensor, one after the other, from a thread of the engine. The load has
  /// two buffers for tensors: it waits when the consumer holds them, and does not end, not even
  /// cancelled, before all are given back. An exception ends the load with consumer_failed; the
  /// consumer then gets no more. Not together with `destination`.
  std::function<void(FinishedTensor)> consumer;

  /// The tensors that the model wants, all of them, each name once. With them names, shapes and
  /// dtypes are held against the model's own; Report says what is missing, unexpected and
  /// mismatched. They stand in place of the file that the setting `recipe.expect` names. Empty:
  /// that file, else Report::unchecked says which checks could not be made.
  std::vector<ExpectedTensor> expected;
};

/// Loads checkpoints. Owns threads and devices; several engines can live in one process, also
/// beside an actor system of the program's own. Thread-safe. Loads of one engine share its credits:
/// at most `slots` full-precision units are alive on a device, however many loads run.
class PLIMSOLL_API Engine {
 public:
  /// Throws Error: unsupported for devices this build does not have, invalid_argument for more than
  /// 64 of them.
  explicit Engine(Config config = {});
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  /// Cancels running loads and waits for them.
  ~Engine();

  /// Begins to load a checkpoint (directory or file) into memory and returns at once.
  [[nodiscard]] Load load(const std::string& path, LoadOptions options = {});

  /// Begins to write a checkpoint to `out` (a directory) and returns at once.
  [[nodiscard]] Load quantize(const std::string& path, const std::string& out,
                              LoadOptions options = {});

  /// What load() would do, or quantize() if `out` is not empty. Reads headers only. Throws Error.
  [[nodiscard]] Plan plan(const std::string& path, const std::string& out = {},
                          const LoadOptions& options = {}) const;

 private:
  struct PLIMSOLL_HIDDEN State;
  std::shared_ptr<State> state_;
};

/// The library's version, "0.1.0".
[[nodiscard]] PLIMSOLL_API std::string_view version() noexcept;

}  // namespace plimsoll
