#include "rules/natural_order.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"

using plimsoll::rules::natural_key;
using plimsoll::rules::natural_order;

TEST_CASE("names are ordered part by part, numbers as numbers and before text") {
  // The order that Python's sorted() gives with the reference library's key.
  const std::vector<std::string> sorted = {"3",     "3.weight", "20",     "",      "a",    "a.0",
                                           "a.2.w", "a.10",     "a.10.w", "a.",    "a..b", "a.b",
                                           "a1",    "a1.z",     "a9",     "a10",   "ab",   "b.1.c",
                                           "b.c",   "b.c1",     "b.c2",   "b.c10", "b.cc"};
  std::vector<std::string> names(sorted.rbegin(), sorted.rend());
  std::vector<std::string> ordered;
  for (std::uint32_t index : natural_order(names)) ordered.push_back(names[index]);
  CHECK(ordered == sorted);
}

TEST_CASE("numbers have any length, and leading zeros do not count") {
  CHECK(natural_key("a.007") == natural_key("a.7"));
  CHECK(natural_key("a.7") < natural_key("a.08"));
  CHECK(natural_key("a." + std::string(40, '9')) < natural_key("a.1" + std::string(40, '0')));
  CHECK(natural_order(std::vector<std::string>{"a.7", "a.07", "a.7"}) ==
        std::vector<std::uint32_t>{1, 0, 2});
}

TEST_CASE("bytes of any value keep their order") {
  using std::string_literals::operator""s;
  const std::vector<std::string> sorted = {"a",     "a.b",   "a\x00"s, "a\x00\x00"s, "a\x00\x01"s,
                                           "a\x01", "a\x02", "a\x03",  "a\xff"};
  std::vector<std::string> names(sorted.rbegin(), sorted.rend());
  std::vector<std::string> ordered;
  for (std::uint32_t index : natural_order(names)) ordered.push_back(names[index]);
  CHECK(ordered == sorted);
}
