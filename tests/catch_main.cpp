#if !defined(PLIMSOLL_CATCH2_V3)
#define CATCH_CONFIG_MAIN
#endif
#include "catch.hpp"

#if defined(PLIMSOLL_CATCH2_V3)
int main(int argc, char* argv[]) {
  return Catch::Session().run(argc, argv);
}
#endif
