# Every room is a static library that its own tests link alone; the libraries that are installed are
# made of the rooms' objects (see api/CMakeLists.txt).

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

add_library(plimsoll_flags INTERFACE)
target_include_directories(plimsoll_flags INTERFACE ${PROJECT_SOURCE_DIR}
                                                    ${PROJECT_SOURCE_DIR}/include)
# A fused multiply-add rounds once where the reference libraries round twice.
target_compile_options(plimsoll_flags INTERFACE -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow
                                                -Wnon-virtual-dtor)
if(PLIMSOLL_WERROR)
  target_compile_options(plimsoll_flags INTERFACE -Werror)
endif()
if(PLIMSOLL_SANITIZE)
  target_compile_options(plimsoll_flags INTERFACE -fsanitize=${PLIMSOLL_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(plimsoll_flags INTERFACE -fsanitize=${PLIMSOLL_SANITIZE})
endif()

# Vector code is compiled once an instruction set, but for those whose vectors have no size at compile
# time: structures cannot hold them.
set(no_targets HWY_SVE HWY_SVE2 HWY_SVE_256 HWY_SVE2_128 HWY_RVV)
if(PLIMSOLL_SANITIZE)
  list(APPEND no_targets HWY_SSSE3 HWY_AVX3 HWY_AVX3_DL)  # the others show what there is to find
endif()
list(JOIN no_targets "|" no_targets)
target_compile_definitions(plimsoll_flags INTERFACE "HWY_DISABLED_TARGETS=(${no_targets})")

# plimsoll_room(NAME SOURCES ... [USES room-or-target ...])
function(plimsoll_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES" ${ARGN})
  add_library(plimsoll_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(plimsoll_${name} PUBLIC plimsoll_flags ${ROOM_USES})
  if(PLIMSOLL_SANITIZE AND name MATCHES "^(codecs|ggml)$")
    # The innermost loops: without optimization they would be most of every test's time.
    target_compile_options(plimsoll_${name} PRIVATE -O2)
  endif()
  set_property(GLOBAL APPEND PROPERTY PLIMSOLL_ROOMS plimsoll_${name})
endfunction()
