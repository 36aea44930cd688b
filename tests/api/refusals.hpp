#pragma once

#include <string>

#include "catch.hpp"
#include "plimsoll/error.hpp"

/// Checks that an expression throws an Error of that code whose line holds `part`.
#define CHECK_REFUSED(expression, expected_code, part)        \
  do {                                                        \
    bool was_refused_here = false;                            \
    try {                                                     \
      expression;                                             \
    } catch (const plimsoll::Error& error) {                  \
      was_refused_here = true;                                \
      const std::string refused_line = error.what();          \
      INFO(refused_line);                                     \
      CHECK(name_of(error.code()) == name_of(expected_code)); \
      CHECK(refused_line.find(part) != std::string::npos);    \
    }                                                         \
    INFO("nothing was thrown by " #expression);               \
    CHECK(was_refused_here);                                  \
  } while (false)
