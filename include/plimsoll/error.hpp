#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "plimsoll/export.hpp"

namespace plimsoll {

/// Why something failed. One code a cause that a caller can act on.
enum class ErrorCode : std::uint8_t {
  invalid_argument,   ///< a setting, pattern or option that makes no sense
  invalid_config,     ///< a config file with an unknown key, a wrong type or a value out of range
  not_found,          ///< a file or directory that should exist does not
  malformed,          ///< a file breaks the rules of its format
  unsupported,        ///< well-formed, but not something this build can do
  infeasible_budget,  ///< no plan fits the budget; the reason names the smallest that does
  out_of_memory,      ///< a device refused memory at or below the planned amount
  read_failed,        ///< the system reported an error, or a file ended early, while reading
  write_failed,       ///< the system reported an error while writing
  disk_full,          ///< no space (or quota) left for the output
  output_exists,      ///< the output is there already and neither force nor resume was asked for
  resume_mismatch,    ///< an interrupted run's source or settings differ from this one's
  names_differ,       ///< strict, and the checkpoint has not just what the model wants
  cancelled,          ///< the caller cancelled
  consumer_failed,    ///< the caller's consumer threw or refused a tensor
  internal,           ///< a broken promise inside the engine: a defect worth reporting
};

inline constexpr int error_code_count = 16;

/// The enumerator's spelling, for example "infeasible_budget". Static storage.
[[nodiscard]] PLIMSOLL_API std::string_view name_of(ErrorCode code) noexcept;

/// A failure: its code, the rule that was broken, and where known the file and the tensor.
///
/// The parts hold the bytes as they came. what() is one line, "FILE: TENSOR: reason" with the
/// unknown parts left out, every control or invalid UTF-8 byte escaped as \xNN, and at most
/// 960 bytes long: safe to print whatever a hostile file contained.
/// Copying is cheap (shared, immutable state) and does not throw. Thread-safe as any const object.
class PLIMSOLL_API Error : public std::exception {
 public:
  Error(ErrorCode code, std::string reason, std::string file = {}, std::string tensor = {});

  [[nodiscard]] ErrorCode code() const noexcept;
  [[nodiscard]] const std::string& reason() const noexcept;
  [[nodiscard]] const std::string& file() const noexcept;
  [[nodiscard]] const std::string& tensor() const noexcept;
  [[nodiscard]] const char* what() const noexcept override;

 private:
  struct PLIMSOLL_HIDDEN State;
  std::shared_ptr<const State> state_;
};

}  // namespace plimsoll
