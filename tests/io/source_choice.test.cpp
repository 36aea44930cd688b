#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "awaited_read.hpp"
#include "catch.hpp"
#include "faulty_system.hpp"
#include "io/byte_source.hpp"
#include "io/page_cache.hpp"
#include "scratch_directory.hpp"

using namespace plimsoll::io;

namespace {

/// Opens a source over the system and says what was chosen, having read with it.
SourceKind kind_of(const std::vector<SourceFile>& files, SourceKind asked, SystemCalls& system) {
  SourceKind used = SourceKind::automatic;
  const auto source = open_byte_source(files, asked, 1, &used, system);
  REQUIRE(source);
  CHECK(((*source)->buffer_bytes() > 0) == (used == SourceKind::direct));
  std::string text(files[0].bytes, '\0');
  const ReadRange range{0, 0, text.size(), reinterpret_cast<std::byte*>(text.data()), false};
  REQUIRE(read_all(**source, {&range, 1}));
  CHECK(text == noise(text.size(), 3));
  return used;
}

/// From now on io_uring_setup fails with EPERM in this process.
bool forbid_io_uring() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{4, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

TEST_CASE("where direct reads are refused the source is a pread source") {
  const ScratchDirectory scratch;
  const std::vector<SourceFile> files{{scratch.write("f", noise(9000, 3)), 9000}};
  {
    FaultySystem system;
    CHECK(kind_of(files, SourceKind::direct, system) == SourceKind::direct);
  }
  for (const int error : {EPERM, ENOSYS, EACCES, ENOMEM}) {
    FaultySystem system;
    system.ring_error = error;
    CHECK(kind_of(files, SourceKind::direct, system) == SourceKind::pread);
  }
  {
    FaultySystem system;
    system.on_open = [](int flags) { return (flags & O_DIRECT) != 0 ? EINVAL : 0; };
    CHECK(kind_of(files, SourceKind::direct, system) == SourceKind::pread);
  }
  for (const int error : {EINVAL, EOPNOTSUPP, EPERM}) {
    FaultySystem system;
    bool tried = false;
    system.on_read = [&](std::uint64_t, std::uint64_t, int) {
      return ReadFault{std::exchange(tried, true) ? 0 : error};
    };
    CHECK(kind_of(files, SourceKind::direct, system) == SourceKind::pread);
  }
}

TEST_CASE("one file without O_DIRECT among others is read all the same") {
  const ScratchDirectory scratch;
  const std::vector<SourceFile> files{{scratch.write("f", noise(9000, 3)), 9000},
                                      {scratch.write("g", noise(5000, 4)), 5000}};
  FaultySystem system;
  auto source = open_byte_source(files, SourceKind::direct, 1, nullptr, system);
  REQUIRE(source);
  system.on_open = [](int flags) { return (flags & O_DIRECT) != 0 ? EINVAL : 0; };
  std::string text(5000, '\0');
  const ReadRange range{1, 0, 5000, reinterpret_cast<std::byte*>(text.data()), false};
  REQUIRE(read_all(**source, {&range, 1}));
  CHECK(text == noise(5000, 4));
}

TEST_CASE("a sandbox that forbids io_uring leaves a working source") {
  const ScratchDirectory scratch;
  const std::vector<SourceFile> files{{scratch.write("f", noise(9000, 3)), 9000}};
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Nothing of the test framework runs in the child; its exit status says what went wrong.
    if (!forbid_io_uring()) ::_exit(9);
    SourceKind used = SourceKind::automatic;
    const auto source = open_byte_source(files, SourceKind::direct, 1, &used);
    if (!source || used != SourceKind::pread) ::_exit(1);
    std::string text(9000, '\0');
    const ReadRange range{0, 0, 9000, reinterpret_cast<std::byte*>(text.data()), false};
    if (!read_all(**source, {&range, 1}) || text != noise(9000, 3)) ::_exit(2);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 9) {
    WARN("the system has no seccomp filters");
  } else {
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("the cached share is that of samples spread over all files") {
  const ScratchDirectory scratch;
  const std::string content = noise(1'000'000, 3);
  const std::vector<SourceFile> files{{scratch.write("a", content), content.size()},
                                      {scratch.write("b", ""), 0},
                                      {scratch.write("c", content), content.size()}};
  FaultySystem system;
  CHECK(cached_share(files, system) == 1.0);
  CHECK(system.reads == 64);
  system.on_read = [](std::uint64_t offset, std::uint64_t bytes, int flags) {
    CHECK(bytes == 1);
    CHECK(flags == RWF_NOWAIT);
    return ReadFault{offset < 250'000 ? 0 : EAGAIN};
  };
  CHECK(cached_share(files, system) == 0.25);
  system.on_read = [](std::uint64_t, std::uint64_t, int) { return ReadFault{EOPNOTSUPP}; };
  CHECK_FALSE(cached_share(files, system));
  CHECK_FALSE(cached_share({}, system));
  CHECK_FALSE(cached_share({files[1]}, system));
  system.on_read = [](std::uint64_t, std::uint64_t, int) { return ReadFault{}; };
  system.reads = 0;
  CHECK(cached_share({{scratch.write("d", "xyz"), 3}}, system) == 1.0);
  CHECK(system.reads == 1);
}

TEST_CASE("the automatic source is pread for what is cached and direct for what is not") {
  const ScratchDirectory scratch;
  const std::vector<SourceFile> files{{scratch.write("f", noise(900'000, 3)), 900'000}};
  const auto chosen_for = [&](int nowait_error) {
    FaultySystem system;
    system.on_read = [=](std::uint64_t, std::uint64_t, int flags) {
      return ReadFault{flags == RWF_NOWAIT ? nowait_error : 0};
    };
    return kind_of(files, SourceKind::automatic, system);
  };
  CHECK(chosen_for(0) == SourceKind::pread);
  CHECK(chosen_for(EAGAIN) == SourceKind::direct);
  CHECK(chosen_for(EOPNOTSUPP) == SourceKind::pread);
}
