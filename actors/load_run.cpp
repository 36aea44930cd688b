#include "actors/load_run.hpp"

#include <utility>

namespace plimsoll::actors {

bool LoadRun::fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (error_) return false;
  error_ = std::move(error);
  stopped_.store(true);
  return true;
}

std::optional<Error> LoadRun::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

}  // namespace plimsoll::actors
