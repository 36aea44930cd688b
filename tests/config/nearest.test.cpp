#include "config/nearest.hpp"

#include <array>

#include "catch.hpp"

using plimsoll::config::did_you_mean;
using plimsoll::config::edit_distance;
using plimsoll::config::nearest;

TEST_CASE("the distance counts insertions, deletions, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("slots", "slots") == 0);
  CHECK(edit_distance("", "slots") == 5);
  CHECK(edit_distance("slot", "slots") == 1);
  CHECK(edit_distance("sloots", "slots") == 1);
  CHECK(edit_distance("slats", "slots") == 1);
  CHECK(edit_distance("solts", "slots") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("NF4", "nf4") == 0);
}

TEST_CASE("a very long word costs no more than a long one") {
  const std::string tower(10'000'000, 'x');
  CHECK(edit_distance(tower, "slots") == 64);
}

TEST_CASE("the nearest word is the one with the fewest edits, the first of equals") {
  const std::array<std::string_view, 3> words = {"bf16", "f16", "f32"};
  CHECK(nearest("fp16", words) == "f16");
  CHECK(nearest("f33", words) == "f32");
  CHECK_FALSE(nearest("x", {}).has_value());
  CHECK(did_you_mean("f61", words) == "; did you mean \"f16\"?");
  CHECK(did_you_mean("f61", {}).empty());
}
