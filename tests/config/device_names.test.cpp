#include "config/device_names.hpp"

#include "catch.hpp"

using plimsoll::config::parse_devices;
using Names = std::vector<std::string>;

TEST_CASE("devices are cut at commas and written canonically") {
  Names devices;
  CHECK_FALSE(parse_devices({"host:0, host:1", "cuda"}, devices).has_value());
  CHECK(devices == Names{"host:0", "host:1", "cuda:0"});
  devices.clear();
  CHECK_FALSE(parse_devices({"host"}, devices).has_value());
  CHECK(devices == Names{"host"});
}

TEST_CASE("a device that does not exist, or is named twice, is refused") {
  for (const char* text : {"", "gpu", "host:", "host:x", "host:-1", "host:01", "cuda:1024",
                           "cuda:99999999999", "host,,cuda:0", "host,", "host,host", "host:0,host",
                           "host,host:0", "cuda,cuda:0", "HOST"}) {
    INFO(text);
    Names devices;
    CHECK(parse_devices({text}, devices).has_value());
  }
  Names devices;
  CHECK(parse_devices({}, devices).has_value());
}
