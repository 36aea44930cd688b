#include "plimsoll/error.hpp"

#include <cstring>
#include <set>
#include <string>

#include "catch.hpp"

using plimsoll::Error;
using plimsoll::ErrorCode;

TEST_CASE("an error's line names file, tensor and reason in that order") {
  const Error full(ErrorCode::malformed, "the shape overflows", "a.safetensors", "w");
  CHECK(std::string(full.what()) == "a.safetensors: w: the shape overflows");
  CHECK(std::string(Error(ErrorCode::internal, "r").what()) == "r");
  CHECK(std::string(Error(ErrorCode::internal, "r", "", "t").what()) == "t: r");
}

TEST_CASE("a hostile name can neither break the line nor hide the reason") {
  const std::string name(5000, '\n');
  const Error error(ErrorCode::malformed, "duplicate name", name, name);
  const std::string line = error.what();
  CHECK(line.size() <= 960);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find("duplicate name") != std::string::npos);
  CHECK(error.tensor() == name);
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i < plimsoll::error_code_count; ++i) {
    names.insert(name_of(static_cast<ErrorCode>(i)));
  }
  CHECK(names.size() == plimsoll::error_code_count);
  CHECK(name_of(ErrorCode::internal) == "internal");
  CHECK(name_of(ErrorCode::invalid_argument) == "invalid_argument");
}
