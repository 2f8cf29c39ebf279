# How a folder becomes a library, a program or a test. The DEPS of the libraries are the layer table of ARCHITECTURE.md
# once more; tools/check_layers.py checks the includes against the same table.

include_guard()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(house_options INTERFACE)
target_include_directories(house_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(house_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor -Woverloaded-virtual
                                               -Wnull-dereference -Wimplicit-fallthrough -Wno-missing-field-initializers)
# g++ 12 reports false positives of these inside coroutine frames, std::variant and std::string once it optimises; the sanitizers
# find the true ones.
target_compile_options(house_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-null-dereference
                                               -Wno-array-bounds -Wno-mismatched-new-delete -Wno-stringop-overflow
                                               -Wno-stringop-overread -Wno-restrict>)
# Libraries and programs alike, or they could not share precompiled headers.
target_compile_options(house_options INTERFACE -fPIE)
target_link_options(house_options INTERFACE -pie)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(house_options INTERFACE -march=x86-64-v2)
endif()
if(MUSTER_WARNINGS_AS_ERRORS)
  target_compile_options(house_options INTERFACE -Werror)
endif()
target_compile_definitions(house_options INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                                                   BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY
                                                   MUSTER_VERSION="${PROJECT_VERSION}")

find_program(MUSTER_CCACHE ccache)
if(MUSTER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers carry times that mean nothing to us; base_dir lets clones in other folders share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1;${MUSTER_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(house_options INTERFACE -fpch-preprocess)
  endif()
endif()

# house_library(NAME SOURCES a.cc … DEPS house::base … PRIVATE_DEPS SQLite::SQLite3 …)
# One static library, named house::NAME, from the sources of the calling folder.
function(house_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(house_${name} STATIC ${ARG_SOURCES})
  add_library(house::${name} ALIAS house_${name})
  set_target_properties(house_${name} PROPERTIES OUTPUT_NAME "muster_${name}")
  target_link_libraries(house_${name} PUBLIC house_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  if(MUSTER_PRECOMPILE)
    if(name STREQUAL "base")
      target_precompile_headers(house_base PRIVATE "${CMAKE_SOURCE_DIR}/engine/base/precompiled.h")
    elseif(name STREQUAL "test_support")
      target_precompile_headers(house_test_support PRIVATE "${CMAKE_SOURCE_DIR}/tests/support/precompiled.h")
    else()
      target_precompile_headers(house_${name} REUSE_FROM house_base)
    endif()
  endif()
endfunction()

# house_program(NAME SOURCES main.cc DEPS house::collector …): an executable in build/bin (release) or the preset's bin.
function(house_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE house_options ${ARG_DEPS})
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_SOURCE_DIR}/build/bin")
  else()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  endif()
  if(MUSTER_PRECOMPILE)
    target_precompile_headers(${name} REUSE_FROM house_base)
  endif()
endfunction()

# house_test(NAME SOURCES base/result_test.cc … DEPS house::base …): one test program, NAME_test, known to ctest case by case.
function(house_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name}_test ${ARG_SOURCES})
  target_link_libraries(${name}_test PRIVATE house_options house::test_support ${ARG_DEPS} GTest::gmock_main)
  if(MUSTER_PRECOMPILE)
    target_precompile_headers(${name}_test REUSE_FROM house_test_support)
  endif()
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()
