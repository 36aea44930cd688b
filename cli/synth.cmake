# The generator of synthetic checkpoints: of the command and the tests, not of the installed library.
add_library(plimsoll_synth STATIC ${CMAKE_CURRENT_LIST_DIR}/synth_checkpoint.cpp
                                  ${CMAKE_CURRENT_LIST_DIR}/synth_deepseek.cpp
                                  ${CMAKE_CURRENT_LIST_DIR}/synth_directory.cpp
                                  ${CMAKE_CURRENT_LIST_DIR}/synth_models.cpp
                                  ${CMAKE_CURRENT_LIST_DIR}/synth_shapes.cpp
                                  ${CMAKE_CURRENT_LIST_DIR}/synth_tensors.cpp
                                  ${CMAKE_CURRENT_LIST_DIR}/synth_values.cpp)
target_link_libraries(plimsoll_synth PUBLIC plimsoll_flags plimsoll_io plimsoll_errors
                                     PRIVATE nlohmann_json::nlohmann_json Threads::Threads)
