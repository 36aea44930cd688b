#include "errors/printable.hpp"

#include "catch.hpp"

using plimsoll::printable;

TEST_CASE("text that can be printed is left alone") {
  CHECK(printable("model.layers.0.weight") == "model.layers.0.weight");
  CHECK(printable("gewöhnlich \xe2\x82\xac \xf0\x9f\x9a\xa2") ==
        "gewöhnlich \xe2\x82\xac \xf0\x9f\x9a\xa2");
}

TEST_CASE("controls and broken UTF-8 are escaped byte by byte") {
  CHECK(printable("a\nb\x1b[31m") == "a\\x0ab\\x1b[31m");
  CHECK(printable("\xff\xc0\xaf") == "\\xff\\xc0\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("\xc2\x85") == "\\xc2\\x85");           // a C1 control
  CHECK(printable("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");  // a line separator
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // right-to-left override
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");           // cut short
}

TEST_CASE("the limit holds and is never exceeded inside an escape") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abc...");
  CHECK(printable("ab\n\n\n\n", 10) == "ab\\x0a...");
  for (std::size_t limit = 0; limit < 30; ++limit) {
    CHECK(printable(std::string(40, '\n'), limit).size() <= limit);
  }
}
