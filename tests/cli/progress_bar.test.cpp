#include "cli/progress_bar.hpp"

#include <pty.h>
#include <unistd.h>

#include <array>
#include <string>

#include "catch.hpp"
#include "cli/readable_size.hpp"
#include "command_run.hpp"

using plimsoll::Progress;
using plimsoll::cli::progress_bar;
using plimsoll::cli::progress_sentence;
using plimsoll::cli::readable_size;

namespace {

Progress half_way() {
  Progress progress;
  progress.units_done = 1;
  progress.units = 4;
  progress.bytes_read = 1'500'000'000;
  progress.bytes_to_read = 3'000'000'000;
  progress.seconds = 2;
  return progress;
}

/// A terminal of so many columns.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    winsize size{24, columns, 0, 0};
    REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, &size) == 0);
  }
  ~Terminal() {
    if (slave_ != -1) ::close(slave_);
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] int program_side() const { return slave_; }

  /// All that programs wrote, once they have ended. A terminal holds little: read while they run.
  [[nodiscard]] std::string read_all() {
    ::close(slave_);
    slave_ = -1;
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = ::read(master_, buffer.data(), buffer.size())) > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
};

std::vector<std::string> long_load(const std::string& source) {
  return {"load", source, "--to", "nf4", "--threads", "1", "--unit-bytes", "16KiB"};
}

}  // namespace

TEST_CASE("The bar shows percent, rate and time left, and is as wide as there is room") {
  CHECK(progress_bar(half_way(), 79) ==
        "[####################....................]  50 %  750 MB/s  2 s left");
  CHECK(progress_bar(half_way(), 50) == "[######.......]  50 %  750 MB/s  2 s left");
  CHECK(progress_bar(half_way(), 30) == "[####....]  50 %  750 MB/s");
  CHECK(progress_bar(half_way(), 17) == "[####....]  50 %");
  CHECK(progress_bar(half_way(), 10) == " 50 %");
  CHECK(progress_bar(half_way(), 3) == " 50");
  CHECK(progress_bar(half_way(), 0).empty());
}

TEST_CASE("The bar is never wider than it may be, whatever the numbers") {
  for (std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    for (double seconds : {0.0, 1e-9, 1.0, 1e9}) {
      for (std::size_t width = 0; width < 120; ++width) {
        const Progress progress{1, 2, bytes, 3'000'000'000, seconds};
        CHECK(progress_bar(progress, width).size() <= width);
      }
    }
  }
}

TEST_CASE("A load that reads nothing counts units, and an unknown one is at the beginning") {
  CHECK(progress_bar(Progress{1, 4, 0, 0, 0}, 17) == "[##......]  25 %");
  CHECK(progress_bar(Progress{}, 17) == "[........]   0 %");
}

TEST_CASE("Progress is a sentence where there is no terminal") {
  CHECK(progress_sentence(half_way()) == "50 % of 3.00 GB, 750 MB/s, 2 s left");
}

TEST_CASE("Sizes for people have three digits and a decimal unit") {
  CHECK(readable_size(0) == "0 B");
  CHECK(readable_size(999) == "999 B");
  CHECK(readable_size(1000) == "1.00 kB");
  CHECK(readable_size(65'536) == "65.5 kB");
  CHECK(readable_size(999'499) == "999 kB");
  CHECK(readable_size(999'500) == "1.00 MB");
  CHECK(readable_size(9'995'000) == "10.0 MB");
  CHECK(readable_size(3'087'467'144) == "3.09 GB");
  CHECK(readable_size(~std::uint64_t{0}) == "18.4 EB");
}

TEST_CASE("On a terminal one line is drawn again and again, and removed at the end") {
  const TinyCheckpoint tiny;
  Terminal terminal(40);
  RunningCommand command(long_load(tiny.write_sparse("qwen2.5-0.5b")), terminal.program_side());
  const std::string drawn = terminal.read_all();
  CHECK(command.wait().code == 0);
  CHECK(drawn.starts_with("\r["));
  CHECK(drawn.find('\n') == std::string::npos);
  CHECK(drawn.ends_with("\r\x1b[K"));
  for (std::size_t start = 0; start < drawn.size();) {
    const std::size_t end = drawn.find("\x1b[K", start);
    REQUIRE(end != std::string::npos);
    CHECK(end - start <= 40);  // a return and 39 columns
    start = end + 3;
  }
}

TEST_CASE("option --no-progress and short loads without a terminal draw nothing") {
  const TinyCheckpoint tiny;
  const std::string source = tiny.write_sparse("qwen2.5-0.5b");
  Terminal terminal(80);
  auto arguments = long_load(source);
  arguments.push_back("--no-progress");
  RunningCommand command(arguments, terminal.program_side());
  CHECK(terminal.read_all().empty());
  CHECK(command.wait().code == 0);
  CHECK(run_command({"load", tiny.source(), "--to", "nf4"}).err.empty());
}
