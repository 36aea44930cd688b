#include "cli/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/readable_size.hpp"
#include "cli/standard_streams.hpp"

namespace plimsoll::cli {
namespace {

constexpr double seconds_between_lines = 5;
constexpr std::size_t longest_bar = 40;
constexpr std::size_t narrowest_bar = 8;
constexpr std::size_t longest_facts = 34;  // "100 %  1.21 GB/s  59 min 59 s left"

/// From 0 to 1: of the bytes, or of the units where nothing is read.
double share_done(const Progress& progress) {
  const auto share = [](auto done, auto all) {
    return std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
  };
  if (progress.bytes_to_read > 0) return share(progress.bytes_read, progress.bytes_to_read);
  return progress.units > 0 ? share(progress.units_done, progress.units) : 0;
}

std::string rate_text(const Progress& progress) {
  if (progress.seconds <= 0) return "";
  const double rate = static_cast<double>(progress.bytes_read) / progress.seconds;
  return readable_size(static_cast<std::uint64_t>(rate)) + "/s";
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) {
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  }
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

/// At the rate so far; empty while there is none.
std::string time_left(const Progress& progress) {
  const double share = share_done(progress);
  if (share <= 0 || progress.seconds <= 0) return "";
  const double left = progress.seconds * (1 - share) / share;
  return left < 360'000 ? duration_text(left) + " left" : "";
}

std::string percent_text(const Progress& progress) {
  return std::to_string(static_cast<int>(share_done(progress) * 100)) + " %";
}

std::size_t terminal_width() {
  struct winsize size {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string progress_bar(const Progress& progress, std::size_t width) {
  const std::string percent = percent_text(progress);
  std::string facts(percent.size() < 5 ? 5 - percent.size() : 0, ' ');
  facts += percent;
  for (const std::string& fact : {rate_text(progress), time_left(progress)}) {
    if (!fact.empty() && facts.size() + 2 + fact.size() + narrowest_bar + 3 <= width)
      facts.append("  ").append(fact);
  }
  if (width < narrowest_bar + 3 + facts.size()) return facts.substr(0, width);
  // As long as the facts can grow, so that it does not change its length meanwhile.
  const std::size_t room = width - std::min(width, longest_facts + 3);
  const std::size_t length = std::clamp(room, narrowest_bar, longest_bar);
  const auto filled = static_cast<std::size_t>(share_done(progress) * static_cast<double>(length));
  return std::string("[")
      .append(filled, '#')
      .append(length - filled, '.')
      .append("] ")
      .append(facts);
}

std::string progress_sentence(const Progress& progress) {
  std::string text = percent_text(progress) + " of " + readable_size(progress.bytes_to_read);
  for (const std::string& fact : {rate_text(progress), time_left(progress)}) {
    if (!fact.empty()) text.append(", ").append(fact);
  }
  return text;
}

ProgressDisplay::ProgressDisplay(bool wanted) : next_line_(seconds_between_lines) {
  if (wanted) kind_ = isatty(STDERR_FILENO) == 1 ? Kind::bar : Kind::lines;
}

ProgressDisplay::~ProgressDisplay() {
  if (drawn_) print_error("\r\x1b[K");
}

void ProgressDisplay::show(const Progress& progress) {
  if (kind_ == Kind::bar) {
    // The last column stays empty: some terminals wrap after it.
    const std::string bar = progress_bar(progress, terminal_width() - 1);
    print_error(std::string("\r").append(bar).append("\x1b[K"));
    drawn_ = true;
  } else if (kind_ == Kind::lines && progress.seconds >= next_line_) {
    print_error(std::string("plimsoll: ").append(progress_sentence(progress)).append("\n"));
    next_line_ = progress.seconds + seconds_between_lines;
  }
}

}  // namespace plimsoll::cli
