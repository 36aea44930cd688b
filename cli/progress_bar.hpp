#pragma once

#include <cstddef>
#include <string>

#include "plimsoll/load.hpp"

namespace plimsoll::cli {

/// One line that says how far a load is: a bar, percent, rate and time left, as many of them as
/// `width` columns have room for. Never longer than `width`, no line's end.
[[nodiscard]] std::string progress_bar(const Progress& progress, std::size_t width);

/// The same as a line for a log: "42 % of 3.09 GB, 1.21 GB/s, 2 s left".
[[nodiscard]] std::string progress_sentence(const Progress& progress);

/// Shows the progress of one load on stderr: on a terminal as a bar that is drawn again and again,
/// elsewhere as a line every few seconds, so that a short load says nothing there.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(bool wanted);
  /// Removes the bar.
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void show(const Progress& progress);

 private:
  enum class Kind : unsigned char { none, bar, lines };

  Kind kind_ = Kind::none;
  bool drawn_ = false;
  double next_line_;  // seconds of the load
};

}  // namespace plimsoll::cli
