#pragma once

/// Makes this process's n-th call that changes files (counted from 0, from this call on) go wrong.
/// The calls are those of the C library that the writer uses; other threads' calls count too.
void fail_call(int number, int error_number);  ///< it sets errno and has no effect
void die_at_call(int number);  ///< the process ends there at once; a write gets half way first
void let_calls_pass();

/// Calls counted since.
[[nodiscard]] int calls_counted();

inline constexpr int died_at_call = 77;  ///< exit status of such a process
