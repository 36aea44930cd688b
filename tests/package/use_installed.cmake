# Installs the build, builds examples/embed against it in one WAY (shared, static, pkgconfig or
# pkgconfig-static) and runs it on a small checkpoint.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY COMMAND_ECHO STDOUT)
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
# Moved after it was installed: nothing in the package may depend on where it was meant to be.
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/made)
set(prefix ${WORK_DIR}/installed)
file(RENAME ${WORK_DIR}/made ${prefix})
file(GLOB_RECURSE pc ${prefix}/plimsoll.pc)
cmake_path(GET pc PARENT_PATH pc_dir)
cmake_path(GET pc_dir PARENT_PATH library_dir)

set(programs embed)
if(WAY MATCHES "^pkgconfig")
  string(REPLACE "pkgconfig" plimsoll package ${WAY})
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  find_program(PKG_CONFIG NAMES pkg-config pkgconf REQUIRED)
  execute_process(COMMAND ${PKG_CONFIG} --cflags --libs ${package} OUTPUT_VARIABLE flags
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run(${CXX} -std=c++20 ${EXAMPLE_DIR}/main.cpp -o ${WORK_DIR}/embed ${flags}
      -Wl,-rpath,${library_dir})
else()
  set(is_static OFF)
  if(WAY STREQUAL static)
    set(is_static ON)
  endif()
  run(${CMAKE_COMMAND} -S ${EXAMPLE_DIR} -B ${WORK_DIR} -DCMAKE_PREFIX_PATH=${prefix}
      -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release -DEMBED_STATIC=${is_static}
      -DEMBED_ACTORS=ON)
  run(${CMAKE_COMMAND} --build ${WORK_DIR})
  list(APPEND programs beside_actors)
endif()

run(${COMMAND} synth tiny ${WORK_DIR}/checkpoint)
foreach(program ${programs})
  execute_process(COMMAND ${WORK_DIR}/${program} ${WORK_DIR}/checkpoint OUTPUT_VARIABLE said
                  COMMAND_ERROR_IS_FATAL ANY)
  message(STATUS "${program}: ${said}")
  if(NOT said MATCHES "peak: [1-9]|tallied [1-9]")
    message(FATAL_ERROR "${program} did not say what it loaded")
  endif()
endforeach()
