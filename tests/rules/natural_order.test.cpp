#include "rules/natural_order.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"

using plimsoll::rules::natural_key;
using plimsoll::rules::natural_less;
using plimsoll::rules::natural_order;

namespace {

/// Names of few parts from a small alphabet, so that near-equal ones are frequent.
std::string random_name(std::mt19937& random) {
  static const std::vector<std::string> parts = {
      "", "a", "b", "0", "1", "01", "2", "10", "norm", "norm1", "norm01", "norm2", "norm10", "1a"};
  std::string name = parts[random() % parts.size()];
  for (auto more = random() % 4; more > 0; --more) name += "." + parts[random() % parts.size()];
  return name;
}

}  // namespace

TEST_CASE("names sort as the reference library sorts checkpoint keys") {
  // The order that Python's sorted() gives with transformers' key.
  const std::vector<std::string> sorted = {"3",
                                           "3.weight",
                                           "20",
                                           "",
                                           "a",
                                           "a.0",
                                           "a.2.w",
                                           "a.10",
                                           "a.10.w",
                                           "a.",
                                           "a..b",
                                           "a.b",
                                           "a1",
                                           "a9",
                                           "a10",
                                           "a10.0",
                                           "aa",
                                           "experts.2.down",
                                           "experts.2.up",
                                           "experts.10.down",
                                           "lm_head",
                                           "norm",
                                           "norm.w",
                                           "norm1",
                                           "norm2",
                                           "norm10",
                                           "norm_1",
                                           "normal"};
  std::vector<std::string> names = sorted;
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(names.begin(), names.end(), random);
    std::sort(names.begin(), names.end(), natural_less);
    CHECK(names == sorted);
  }
}

TEST_CASE("numbers of any length compare by value") {
  CHECK(natural_less("a.9", "a.10"));
  CHECK(natural_less("a.99999999999999999999", "a.100000000000000000000"));
  CHECK(natural_less("a.00000000000000000000000002", "a.3"));
  CHECK(natural_less("x7", "x08"));
  CHECK_FALSE(natural_less("x08", "x7"));
  CHECK(natural_less("a.00", "a.1"));
}

TEST_CASE("equal numbers written differently still have one order") {
  CHECK(natural_less("a.01", "a.1") != natural_less("a.1", "a.01"));
  CHECK(natural_less("a.01.b", "a.1.c"));
  CHECK(natural_less("a.1.b", "a.01.c"));
}

TEST_CASE("the order of names is total") {
  std::mt19937 random(2);
  for (int round = 0; round < 20000; ++round) {
    const std::string a = random_name(random);
    const std::string b = random_name(random);
    const std::string c = random_name(random);
    INFO("a " << a << " b " << b << " c " << c);
    REQUIRE_FALSE(natural_less(a, a));
    REQUIRE((a == b) != (natural_less(a, b) != natural_less(b, a)));
    if (natural_less(a, b) && natural_less(b, c)) REQUIRE(natural_less(a, c));
  }
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

TEST_CASE("keys order names as the comparison of names does") {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    const std::string a = random_name(random);
    const std::string b = random_name(random);
    INFO("a " << a << " b " << b);
    if (natural_key(a) < natural_key(b)) REQUIRE(natural_less(a, b));
    if (natural_key(a) > natural_key(b)) REQUIRE(natural_less(b, a));
  }
  std::vector<std::string> names(500);
  for (std::string& name : names) name = random_name(random);
  std::vector<std::string> ordered;
  for (std::uint32_t index : natural_order(names)) ordered.push_back(names[index]);
  std::sort(names.begin(), names.end(), natural_less);
  CHECK(ordered == names);
}
