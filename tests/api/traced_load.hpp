#pragma once

#include <string>
#include <vector>

#include "api/throwing.hpp"
#include "trace/invariants.hpp"
#include "trace/trace_file.hpp"

/// The trace that a load left, which must be there.
[[nodiscard]] inline plimsoll::trace::Trace trace_in(const std::string& file) {
  return plimsoll::or_throw(plimsoll::trace::read_trace(file));
}

/// The first broken invariant; empty if all hold.
[[nodiscard]] inline std::string first_violation(const plimsoll::trace::Trace& trace) {
  const std::vector<std::string> all = plimsoll::trace::find_violations(trace);
  return all.empty() ? std::string() : all.front();
}
