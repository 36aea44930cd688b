#pragma once

#include <csignal>

namespace plimsoll::cli {

/// While it lives, the first SIGINT or SIGTERM is noted instead of ending the program; the second
/// ends it. Also where the parent ignores them, as shells do for what they start in the background:
/// a load that someone asks to end should end. One at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// Whether one came.
  [[nodiscard]] bool came() const noexcept;

 private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
};

}  // namespace plimsoll::cli
