#pragma once

/// Marks what the shared library exports; everything else is hidden. Users of the static library
/// define PLIMSOLL_STATIC (the CMake package and the pkg-config file do it for them).
#if defined(PLIMSOLL_STATIC)
#define PLIMSOLL_API
#else
#define PLIMSOLL_API __attribute__((visibility("default")))
#endif

/// Marks a member of an exported class that is none of its users' business.
#define PLIMSOLL_HIDDEN __attribute__((visibility("hidden")))
