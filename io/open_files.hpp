#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "io/system_calls.hpp"

namespace plimsoll::io {

/// The files of a byte source, opened when first needed. At most `limit` are open at a time: then
/// the one that has been out of use longest is closed for the next, never one in use. Where the
/// process itself may have no more, that too closes files out of use.
///
/// Thread-safe; taking an open file costs one short lock. A file that is being opened holds up only
/// those who want the same one. Where `limit` files are in use, the next caller waits.
class OpenFiles {
 public:
  static constexpr std::size_t default_limit = 256;

  /// A file in use: its descriptor stays open as long as the lease lives.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// Whether it was opened with the extra flags.
    [[nodiscard]] bool has_extra_flags() const noexcept { return has_extra_flags_; }

   private:
    friend class OpenFiles;
    Lease(OpenFiles* owner, std::uint32_t file, int descriptor, bool has_extra_flags) noexcept
        : owner_(owner), file_(file), descriptor_(descriptor), has_extra_flags_(has_extra_flags) {}

    OpenFiles* owner_;
    std::uint32_t file_;
    int descriptor_;
    bool has_extra_flags_;
  };

  /// `extra_flags` (O_DIRECT) is given up for a file whose file system does not know it.
  OpenFiles(std::vector<SourceFile> files, SystemCalls& calls, int extra_flags = 0,
            std::size_t limit = default_limit);
  ~OpenFiles();
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  [[nodiscard]] const std::vector<SourceFile>& files() const noexcept { return files_; }

  /// read_failed if the file cannot be opened, is none, or is not as long as SourceFile says.
  [[nodiscard]] Expected<Lease> take(std::uint32_t file);

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Slot {
    int descriptor = -1;
    bool opening = false;
    bool has_extra_flags = false;
    std::uint32_t users = 0;
    std::uint32_t older = none;  // neighbours among the open files out of use
    std::uint32_t newer = none;
  };

  Lease lend(std::uint32_t file);
  void give_back(std::uint32_t file) noexcept;
  void append_idle(std::uint32_t file) noexcept;
  void remove_idle(std::uint32_t file) noexcept;
  bool close_oldest() noexcept;
  int open_making_room(std::unique_lock<std::mutex>& lock, const char* path, int flags);
  Expected<void> open_checked(std::unique_lock<std::mutex>& lock, std::uint32_t file);

  const std::vector<SourceFile> files_;
  SystemCalls& calls_;
  const int extra_flags_;
  const std::size_t limit_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;  // one a file
  std::size_t open_ = 0;     // open files and files being opened
  std::uint32_t oldest_ = none;
  std::uint32_t newest_ = none;
};

}  // namespace plimsoll::io
