#include "config/size_text.hpp"

#include <limits>
#include <random>
#include <utility>

#include "catch.hpp"

using plimsoll::config::format_size;
using plimsoll::config::parse_size;

TEST_CASE("a size is read with decimal and binary units in any case") {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"0", 0},
      {"17", 17},
      {"17B", 17},
      {"1kB", 1'000},
      {"1KB", 1'000},
      {"5GB", 5'000'000'000},
      {"2TB", 2'000'000'000'000},
      {"1MiB", 1'048'576},
      {"8GiB", 8'589'934'592},
      {"8gib", 8'589'934'592},
      {"3 TiB", 3'298'534'883'328},
      {"1.5GiB", 1'610'612'736},
      {"0.5kB", 500},
      {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
      {"16777215.99999TiB", 18446744073698556499u},
  };
  for (const auto& [text, bytes] : cases) {
    INFO(text);
    REQUIRE(parse_size(text).has_value());
    CHECK(*parse_size(text) == bytes);
  }
}

TEST_CASE("a fraction is rounded down to whole bytes, however many digits it has") {
  CHECK(parse_size("0.3KiB") == 307u);
  CHECK(parse_size("7.3GiB") == 7'838'315'315u);
  CHECK(parse_size("0.00000000000000000000000000001TiB") == 0u);
  CHECK(parse_size("0." + std::string(1'000, '9') + "kB") == 999u);
}

TEST_CASE("what is no size, or exceeds 64 bits, is refused") {
  for (const char* text : {"",
                           " ",
                           "-1",
                           "+1",
                           "1.",
                           ".5GB",
                           "1.5",
                           "1.5B",
                           "1,5GB",
                           "GB",
                           "1G",
                           "1M",
                           "1 G B",
                           "1GB ",
                           " 1GB",
                           "1e9",
                           "0x10",
                           "1GBs",
                           "18446744073709551616",
                           "99999999999999999999999",
                           "16777216TiB",
                           "18446744073709551615kB",
                           "18446744073709551.616kB"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("a size is written in its shortest exact form") {
  CHECK(format_size(0) == "0");
  CHECK(format_size(999) == "999");
  CHECK(format_size(1'000) == "1kB");
  CHECK(format_size(1'024) == "1KiB");
  CHECK(format_size(5'000'000'000) == "5GB");
  CHECK(format_size(1'048'576) == "1MiB");
  CHECK(format_size(1'610'612'736) == "1536MiB");
  CHECK(format_size(1'048'577) == "1048577");
}

TEST_CASE("every size is read back from what was written") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t bytes = (random() >> (random() % 64)) << (random() % 40);
    CHECK(parse_size(format_size(bytes)) == bytes);
    CHECK(parse_size(format_size(bytes / 1'000 * 1'000)) == bytes / 1'000 * 1'000);
  }
}
