#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace plimsoll::actors {

/// Threads for work that blocks (disks, callers' code), so that no scheduler's worker has to. Jobs
/// begin in the order they were added. The destructor runs what is queued and joins.
class JobThreads {
 public:
  /// Throws std::system_error if the system starts no more threads.
  explicit JobThreads(std::size_t threads);
  ~JobThreads();
  JobThreads(const JobThreads&) = delete;
  JobThreads& operator=(const JobThreads&) = delete;

  /// Thread-safe; never blocks. A job must not throw.
  void add(std::function<void()> job);

 private:
  void work();
  void close();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace plimsoll::actors
