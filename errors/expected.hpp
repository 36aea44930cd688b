#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "plimsoll/error.hpp"

namespace plimsoll {

/// What every fallible function inside the engine returns: a value, or the Error that explains why
/// there is none. Exceptions stay at the public border, where Error is thrown.
template <class T>
using Expected = tl::expected<T, Error>;

/// Builds the failing side of an Expected: `return fail(ErrorCode::malformed, "...", file);`.
template <class... Parts>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, Parts&&... parts) {
  return tl::unexpected<Error>(Error(code, std::forward<Parts>(parts)...));
}

/// Passes a failure on to a caller whose value type differs.
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace plimsoll
