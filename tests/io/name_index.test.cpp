#include "io/name_index.hpp"

#include <string>

#include "catch.hpp"

using plimsoll::io::NameIndex;

TEST_CASE("a name is found at the place it was given") {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("model.layers." + std::to_string(i));
  const NameIndex index({names.begin(), names.end()});
  for (std::uint32_t i = 0; i < 1000; ++i) CHECK(index.find(names[i]) == i);
  CHECK_FALSE(index.find("model.layers.1000"));
  CHECK_FALSE(index.find(""));
  CHECK_FALSE(index.duplicate());
}

TEST_CASE("the second of two equal names is reported") {
  CHECK(NameIndex({"a", "b", "c", "b"}).duplicate() == 3u);
  CHECK(NameIndex({"", "x", ""}).duplicate() == 2u);
  CHECK_FALSE(NameIndex({}).duplicate());
}
