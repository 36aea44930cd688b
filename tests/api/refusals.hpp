#pragma once

#include <string>

#include "catch.hpp"
#include "plimsoll/error.hpp"

/// Checks that an expression throws an Error of that code whose line holds `part`.
#define CHECK_REFUSED(expression, expected_code, part)        \
  do {                                                        \
    bool refused = false;                                     \
    try {                                                     \
      expression;                                             \
    } catch (const plimsoll::Error& error) {                  \
      refused = true;                                         \
      const std::string line = error.what();                  \
      INFO(line);                                             \
      CHECK(name_of(error.code()) == name_of(expected_code)); \
      CHECK(line.find(part) != std::string::npos);            \
    }                                                         \
    INFO("nothing was thrown by " #expression);               \
    CHECK(refused);                                           \
  } while (false)
