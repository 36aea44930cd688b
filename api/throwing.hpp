#pragma once

#include <utility>

#include "errors/expected.hpp"

namespace plimsoll {

/// The public border: what fails by value inside is thrown to the caller.
template <class T>
T or_throw(Expected<T> result) {
  if (!result) throw result.error();
  return std::move(*result);
}

inline void or_throw(const Expected<void>& result) {
  if (!result) throw result.error();
}

}  // namespace plimsoll
