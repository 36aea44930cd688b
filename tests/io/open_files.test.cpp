#include "io/open_files.hpp"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <optional>
#include <random>
#include <string>

#include "catch.hpp"
#include "faulty_system.hpp"
#include "mentions.hpp"
#include "scratch_directory.hpp"

using namespace plimsoll::io;

namespace {

std::vector<SourceFile> make_files(const ScratchDirectory& scratch, int count) {
  std::vector<SourceFile> files;
  for (int i = 0; i < count; ++i) {
    files.push_back(
        {scratch.write(std::to_string(i), std::to_string(i)), std::to_string(i).size()});
  }
  return files;
}

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("the file out of use for longest makes room, never one in use") {
  const ScratchDirectory scratch;
  FaultySystem system;
  OpenFiles files(make_files(scratch, 4), system, 0, 2);
  std::optional<OpenFiles::Lease> used = *files.take(0);
  const int first = used->descriptor();
  CHECK(files.take(1));
  CHECK(files.take(2));  // closes 1
  CHECK(system.opens == 3);
  CHECK(is_open(first));
  CHECK(files.take(2));
  CHECK(files.take(0));
  CHECK(system.opens == 3);
  used.reset();
  CHECK(files.take(2));
  CHECK(files.take(3));  // closes 0, as 2 was used after it
  CHECK(files.take(2));
  CHECK(system.opens == 4);
  CHECK(files.take(0));
  CHECK(system.opens == 5);
}

TEST_CASE("a process out of descriptors closes files out of use") {
  const ScratchDirectory scratch;
  FaultySystem system;
  OpenFiles files(make_files(scratch, 3), system);
  CHECK(files.take(0));
  CHECK(files.take(1));
  int refusals = 2;
  system.on_open = [&](int) { return refusals-- > 0 ? EMFILE : 0; };
  CHECK(files.take(2));
  CHECK(system.opens == 5);
  refusals = 2;
  const auto refused = files.take(0);  // one file is left to close, then none
  REQUIRE_FALSE(refused);
  CHECK_MENTIONS(refused.error().reason(), "cannot open");
  CHECK(files.take(0));
}

TEST_CASE("an interrupted open is tried again and a failed one later too") {
  const ScratchDirectory scratch;
  FaultySystem system;
  OpenFiles files(make_files(scratch, 1), system);
  std::vector<int> errors{EINTR, EINTR, EACCES};
  system.on_open = [&](int) {
    const int error = errors.empty() ? 0 : errors.front();
    if (!errors.empty()) errors.erase(errors.begin());
    return error;
  };
  CHECK_FALSE(files.take(0));
  CHECK(errors.empty());
  CHECK(files.take(0));
}

TEST_CASE("threads that contend for few descriptors each get the file they asked for") {
  const ScratchDirectory scratch;
  FaultySystem system;
  const auto sources = make_files(scratch, 20);
  OpenFiles files(sources, system, 0, 3);
  std::vector<std::future<int>> threads;
  for (unsigned seed = 0; seed < 6; ++seed) {
    threads.push_back(std::async(std::launch::async, [&, seed] {
      std::mt19937 random(seed);
      int right = 0;
      for (int i = 0; i < 500; ++i) {
        const std::uint32_t file = random() % 20;
        const auto lease = files.take(file);
        char text[3] = {};
        if (lease && ::pread(lease->descriptor(), text, 2, 0) > 0) {
          right += text == std::to_string(file);
        }
      }
      return right;
    }));
  }
  for (auto& thread : threads) CHECK(thread.get() == 500);
}
