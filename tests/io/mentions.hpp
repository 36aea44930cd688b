#pragma once

#include <string>

/// Checks that `text` contains `part`, and shows both where it does not (the matchers for this are
/// spelled differently in Catch2 2 and 3).
#define CHECK_MENTIONS(text, part)                                        \
  do {                                                                    \
    const std::string mentions_text = (text);                             \
    const std::string mentions_part = (part);                             \
    INFO('"' << mentions_text << "\" has no \"" << mentions_part << '"'); \
    CHECK(mentions_text.find(mentions_part) != std::string::npos);        \
  } while (false)
