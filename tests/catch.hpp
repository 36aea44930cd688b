#pragma once

// Catch2 is 2.13 on Debian 12 and 3.x on newer systems; the headers differ, the macros do not.
#if defined(PLIMSOLL_CATCH2_V3)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
