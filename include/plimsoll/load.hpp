#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plimsoll/error.hpp"
#include "plimsoll/export.hpp"
#include "plimsoll/model.hpp"
#include "plimsoll/plan.hpp"

namespace plimsoll {

/// How far a load is.
struct Progress {
  std::uint32_t units_done = 0;
  std::uint32_t units = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_to_read = 0;
  double seconds = 0;  ///< since the load began
};

/// What a load reached on one device, beside what was planned.
struct DeviceReport {
  PlannedDevice planned;
  std::uint64_t peak_bytes = 0;  ///< the most that ledgers and arenas held
  std::uint32_t peak_full_precision_tensors = 0;
};

/// What a load did. Sums over devices, but for the counts of slots (largest of them).
struct Report {
  std::uint64_t load_line_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t final_bytes = 0;
  std::uint64_t slot_bytes = 0;
  std::uint32_t slots = 0;
  std::uint32_t peak_full_precision_tensors = 0;
  std::uint32_t units = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  double seconds = 0;
  std::vector<std::string> missing;     ///< names the model wants and the checkpoint has not
  std::vector<std::string> unexpected;  ///< names the model does not want
  std::vector<std::string> mismatched;  ///< names whose shapes differ
  std::vector<Mismatch> mismatches;     ///< the same names with the shapes
  std::vector<std::string> unchecked;   ///< sentences: what only a list of expected tensors tells
  std::vector<std::string> kept;  ///< weights left as they were though the format was asked for
  std::vector<DeviceReport> devices;
};

/// A running load. Move-only; the destructor cancels what still runs and waits for its end.
/// Thread-safe, but for moves.
class PLIMSOLL_API Load {
 public:
  Load(Load&& other) noexcept;
  Load& operator=(Load&& other) noexcept;
  ~Load();

  /// The plan, as soon as it is drawn (milliseconds). Throws Error if none could be.
  [[nodiscard]] const Plan& plan() const;

  [[nodiscard]] Progress progress() const noexcept;

  /// Asks the load to end with ErrorCode::cancelled. Returns at once; idempotent.
  void cancel() noexcept;

  /// Waits for the end, good or bad.
  void wait() const noexcept;
  /// The same for at most `timeout`; true if it has ended.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout) const noexcept;

  /// Waits, then the report. Throws the load's Error if it did not end well.
  [[nodiscard]] const Report& report() const;

  /// Waits, then the model (empty unless the load was into memory of the engine's or the caller's
  /// own). Throws the load's Error if it did not end well.
  [[nodiscard]] Model get() const;

 private:
  friend class Engine;
  struct PLIMSOLL_HIDDEN State;
  explicit Load(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

}  // namespace plimsoll
