# What the rooms are built on; every one is a Debian package (see the `dev` script for their names).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CAF REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(uring REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)

# What the installed libraries link (the command uses CLI11 too, which is headers only).
set(PLIMSOLL_THIRD_PARTY caf::core simdjson::simdjson spdlog::spdlog fmt::fmt PkgConfig::hwy
                         PkgConfig::uring PkgConfig::tomlplusplus PkgConfig::pcre2
                         PkgConfig::xxhash Threads::Threads)
