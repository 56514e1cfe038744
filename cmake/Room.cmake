# obbak_room(<name> [MAY_INCLUDE <room>...] [LIBRARIES <target>...] [TEST_SHARDS <n>])
#
# One folder of the project, by convention rather than by list:
#   x.cc         part of the library obbak_<name>
#   x_test.cc    part of the test program <name>_test
#   x_main.cc    a program of its own, named x
#   x_fuzzer.cc  a libFuzzer target of its own, when OBBAK_FUZZ is on; otherwise a test that replays testdata/corpus/x
#   x_bench.cc   a benchmark program of its own, when OBBAK_BENCH is on
#   x.proto      Protobuf messages for the library (link protobuf::libprotobuf-lite)
# MAY_INCLUDE both links those rooms and allows their headers to be included. TEST_SHARDS: CTest runs the room's tests in
# so many parts, beside each other.
set(OBBAK_ROOMS "" CACHE INTERNAL "")

function(obbak_room name)
  cmake_parse_arguments(ROOM "" "TEST_SHARDS" "MAY_INCLUDE;LIBRARIES" ${ARGN})
  set(OBBAK_ROOMS ${OBBAK_ROOMS} ${name} CACHE INTERNAL "")
  string(REPLACE ";" "," allowed "${ROOM_MAY_INCLUDE}")
  set(OBBAK_RULE_${name} "${name}:${allowed}" CACHE INTERNAL "")

  set(dir ${PROJECT_SOURCE_DIR}/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  set(library_sources ${sources})
  list(FILTER library_sources EXCLUDE REGEX "_(test|main|fuzzer|bench)\\.cc$")

  file(GLOB protos CONFIGURE_DEPENDS ${dir}/*.proto)
  foreach(proto IN LISTS protos)
    list(APPEND library_sources ${proto})
  endforeach()

  list(TRANSFORM ROOM_MAY_INCLUDE PREPEND obbak_ OUTPUT_VARIABLE rooms)
  set(links ${rooms} ${ROOM_LIBRARIES} obbak_options)
  if(library_sources)
    add_library(obbak_${name} STATIC ${library_sources})
    target_link_libraries(obbak_${name} PUBLIC ${links})
    if(protos)
      # Generated code does not keep to our warnings.
      protobuf_generate(TARGET obbak_${name} IMPORT_DIRS ${PROJECT_SOURCE_DIR}
        PROTOC_OUT_DIR ${PROJECT_BINARY_DIR}/generated OUT_VAR generated)
      set_source_files_properties(${generated} PROPERTIES COMPILE_OPTIONS -w)
      target_include_directories(obbak_${name} SYSTEM PUBLIC ${PROJECT_BINARY_DIR}/generated)
    endif()
  else()
    add_library(obbak_${name} INTERFACE)
    target_link_libraries(obbak_${name} INTERFACE ${links})
  endif()

  foreach(source IN LISTS sources)
    get_filename_component(stem ${source} NAME_WE)
    if(stem MATCHES "_test$")
      list(APPEND test_sources ${source})
    elseif(stem MATCHES "^(.*)_main$")
      add_executable(${CMAKE_MATCH_1} ${source})
      target_link_libraries(${CMAKE_MATCH_1} PRIVATE obbak_${name})
      target_compile_definitions(${CMAKE_MATCH_1} PRIVATE OBBAK_VERSION="${PROJECT_VERSION}")
    elseif(stem MATCHES "^(.*)_fuzzer$" AND OBBAK_FUZZ)
      add_executable(${stem} ${source})
      target_link_libraries(${stem} PRIVATE obbak_${name} -fsanitize=fuzzer)
    elseif(stem MATCHES "^(.*)_fuzzer$")
      add_executable(${CMAKE_MATCH_1}_replay ${source} ${PROJECT_SOURCE_DIR}/cmake/replay_corpus.cc)
      target_link_libraries(${CMAKE_MATCH_1}_replay PRIVATE obbak_${name})
      add_test(NAME ${CMAKE_MATCH_1}_replay
        COMMAND ${CMAKE_MATCH_1}_replay ${PROJECT_SOURCE_DIR}/testdata/corpus/${CMAKE_MATCH_1})
    elseif(stem MATCHES "_bench$" AND OBBAK_BENCH)
      find_package(benchmark REQUIRED)
      add_executable(${stem} ${source})
      target_link_libraries(${stem} PRIVATE obbak_${name} benchmark::benchmark)
    endif()
  endforeach()

  if(test_sources)
    add_executable(${name}_test ${test_sources})
    target_link_libraries(${name}_test PRIVATE obbak_${name} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE OBBAK_TESTDATA_DIR="${PROJECT_SOURCE_DIR}/testdata")
    if(NOT ROOM_TEST_SHARDS)
      add_test(NAME ${name}_test COMMAND ${name}_test)
      set_tests_properties(${name}_test PROPERTIES LABELS ${name})
    else()
      math(EXPR last "${ROOM_TEST_SHARDS} - 1")
      foreach(shard RANGE ${last})
        add_test(NAME ${name}_test_${shard} COMMAND ${name}_test)
        set_tests_properties(${name}_test_${shard} PROPERTIES LABELS ${name}
          ENVIRONMENT "GTEST_TOTAL_SHARDS=${ROOM_TEST_SHARDS};GTEST_SHARD_INDEX=${shard}")
      endforeach()
    endif()
  endif()
endfunction()

# Stops the build at a forbidden include, and tests that the check can fail. Call once, after all rooms.
function(obbak_check_includes)
  set(rules "")
  set(inputs "")
  foreach(room IN LISTS OBBAK_ROOMS)
    list(APPEND rules "${OBBAK_RULE_${room}}")
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${room}/*.cc ${PROJECT_SOURCE_DIR}/${room}/*.h)
    list(APPEND inputs ${files})
  endforeach()
  string(REPLACE ";" "|" rules "${rules}")
  set(script ${PROJECT_SOURCE_DIR}/cmake/CheckIncludes.cmake)
  set(stamp ${PROJECT_BINARY_DIR}/includes-checked)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -D ROOT=${PROJECT_SOURCE_DIR} -D "RULES=${rules}" -P ${script}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${inputs} ${script}
    COMMENT "Checking who includes whom" VERBATIM)
  add_custom_target(check_includes ALL DEPENDS ${stamp})
  foreach(room IN LISTS OBBAK_ROOMS)
    get_target_property(type obbak_${room} TYPE)
    if(NOT type STREQUAL INTERFACE_LIBRARY)
      add_dependencies(obbak_${room} check_includes)
    endif()
  endforeach()

  # The fixture has one file for each way to break the rule; the check must name every one of them.
  set(fixture ${PROJECT_SOURCE_DIR}/testdata/include_rule)
  add_test(NAME include_rule_is_checked
    COMMAND ${CMAKE_COMMAND} -D ROOT=${fixture} -D "RULES=low:|high:low" -D EXPECT_VIOLATIONS=3 -P ${script})
endfunction()
