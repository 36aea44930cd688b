#include "failing_calls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

namespace {

std::atomic<int> chosen = -1, error = 0, count = 0;

/// What becomes of the call that asks.
enum class Fate { pass, fail, die };

Fate next_fate() {
  if (chosen < 0 || count++ != chosen) return Fate::pass;
  if (error == 0) return Fate::die;
  errno = error;
  return Fate::fail;
}

/// Runs `call`, a system call with its own errno, unless its fate is another.
template <class Call>
auto meet(Call call) -> decltype(call()) {
  const Fate fate = next_fate();
  if (fate == Fate::die) ::_exit(died_at_call);
  return fate == Fate::fail ? -1 : call();
}

}  // namespace

void fail_call(int number, int error_number) {
  error = error_number;
  count = 0;
  chosen = number;
}
void die_at_call(int number) {
  fail_call(number, 0);
}
void let_calls_pass() {
  chosen = -1;
}
int calls_counted() {
  return count;
}

// The program's own definitions come before the C library's.
extern "C" {

ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t offset) {
  const auto call = [&](size_t part) {
    return ::syscall(SYS_pwrite64, descriptor, bytes, part, offset);
  };
  const Fate fate = next_fate();
  if (fate == Fate::die) {
    call(length / 2);
    ::_exit(died_at_call);
  }
  return fate == Fate::fail ? -1 : call(length);
}

int openat(int directory, const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  const auto call = [&] {
    return static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
  };
  return (flags & O_CREAT) != 0 ? meet(call) : call();
}

int ftruncate(int descriptor, off_t length) noexcept {
  return meet([&] { return static_cast<int>(::syscall(SYS_ftruncate, descriptor, length)); });
}

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  return meet(
      [&] { return static_cast<int>(::syscall(SYS_fallocate, descriptor, mode, offset, length)); });
}

// Only counted: a process that dies loses nothing of what it wrote, and the tests take a tenth of
// the time.
int fsync(int descriptor) {
  return meet([&] { return ::fcntl(descriptor, F_GETFD) < 0 ? -1 : 0; });
}

int renameat(int from, const char* old_path, int to, const char* new_path) noexcept {
  return meet(
      [&] { return static_cast<int>(::syscall(SYS_renameat2, from, old_path, to, new_path, 0)); });
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  return meet([&] { return static_cast<int>(::syscall(SYS_unlinkat, directory, path, flags)); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  return meet([&] { return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}

int mkdirat(int directory, const char* path, mode_t mode) noexcept {
  return meet([&] { return static_cast<int>(::syscall(SYS_mkdirat, directory, path, mode)); });
}

}  // extern "C"
