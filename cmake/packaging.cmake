# What `cmake --install` puts where: the command, the public headers, the shared and the static
# library, a CMake package (find_package(plimsoll)) and two pkg-config files.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The static library leaves its dependencies to its users' link line; Debian has CAF as a shared
# library only.
set(PLIMSOLL_LINK_NAMES caf_core simdjson spdlog fmt hwy uring tomlplusplus pcre2-8 xxhash)
target_link_libraries(plimsoll_static INTERFACE "$<INSTALL_INTERFACE:${PLIMSOLL_LINK_NAMES}>"
                                                "$<BUILD_INTERFACE:${PLIMSOLL_THIRD_PARTY}>"
                                                Threads::Threads)

install(TARGETS plimsoll_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS plimsoll EXPORT plimsoll_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS plimsoll_static EXPORT plimsoll_static
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/plimsoll
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/plimsoll)
install(EXPORT plimsoll_shared NAMESPACE plimsoll:: DESTINATION ${package_dir}
        FILE plimsollSharedTargets.cmake)
install(EXPORT plimsoll_static NAMESPACE plimsoll:: DESTINATION ${package_dir}
        FILE plimsollStaticTargets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/plimsollConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/plimsollConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/plimsollConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/plimsollConfig.cmake
              ${PROJECT_BINARY_DIR}/plimsollConfigVersion.cmake
        DESTINATION ${package_dir})

list(TRANSFORM PLIMSOLL_LINK_NAMES PREPEND -l OUTPUT_VARIABLE PLIMSOLL_LINK_FLAGS)
list(JOIN PLIMSOLL_LINK_FLAGS " " PLIMSOLL_LINK_FLAGS)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH PLIMSOLL_PREFIX_FROM_PC /${pkgconfig_dir} /)  # the tree may be moved
foreach(file plimsoll.pc plimsoll-static.pc)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${file}.in ${PROJECT_BINARY_DIR}/${file} @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${file} DESTINATION ${pkgconfig_dir})
endforeach()
