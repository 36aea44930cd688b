#pragma once

#include "actors/messages.hpp"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace plimsoll::actors {

// What a sender did to memory comes before what the receiver does to it: CAF's mailboxes see to
// that, with atomics inside a library that is built without the thread sanitizer. These functions
// tell the sanitizer, and nobody else: in any other build they are empty. A unit is handed over
// before the message that carries it is sent, and taken over when it has arrived. The key is the
// memory that goes over, so that what two units do to different memory stays unordered and is still
// checked.

/// Before memory goes to another thread.
inline void hand_over([[maybe_unused]] const void* memory) noexcept {
#if defined(__SANITIZE_THREAD__)
  if (memory != nullptr) __tsan_release(const_cast<void*>(memory));
#endif
}

/// Once memory came from another thread.
inline void take_over([[maybe_unused]] const void* memory) noexcept {
#if defined(__SANITIZE_THREAD__)
  if (memory != nullptr) __tsan_acquire(const_cast<void*>(memory));
#endif
}

/// A lease and its slot or buffer.
inline void hand_over(const LeasePtr& lease) noexcept {
  if (lease == nullptr) return;
  hand_over(lease.get());
  hand_over(lease->memory());
}
inline void take_over(const LeasePtr& lease) noexcept {
  if (lease == nullptr) return;
  take_over(lease.get());
  take_over(lease->memory());
}

/// A unit with its leases, and the run, for what lies in memory that all its units share: the
/// result, which the loader gives to the caller.
inline void hand_over(const UnitTask& task) noexcept {
  hand_over(task.work);
  hand_over(task.output);
  hand_over(task.run.get());
}

/// A unit with its leases.
inline void take_over(const UnitTask& task) noexcept {
  take_over(task.work);
  take_over(task.output);
}

}  // namespace plimsoll::actors
