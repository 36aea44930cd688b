# Finds CAF's core library. Debian ships headers and libraries without a CMake package; where a
# config file exists (newer CAF, other systems), it wins. Defines the target caf::core.
find_package(CAF CONFIG QUIET)
if(TARGET CAF::core)
  if(NOT TARGET caf::core)
    add_library(caf::core INTERFACE IMPORTED)
    target_link_libraries(caf::core INTERFACE CAF::core)
  endif()
  set(CAF_FOUND TRUE)
  return()
endif()

find_path(CAF_INCLUDE_DIR caf/actor_system.hpp)
find_library(CAF_CORE_LIBRARY caf_core)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_CORE_LIBRARY CAF_INCLUDE_DIR)
mark_as_advanced(CAF_INCLUDE_DIR CAF_CORE_LIBRARY)
if(CAF_FOUND AND NOT TARGET caf::core)
  find_package(Threads REQUIRED)
  add_library(caf::core UNKNOWN IMPORTED)
  set_target_properties(caf::core PROPERTIES IMPORTED_LOCATION ${CAF_CORE_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR}
                        INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
