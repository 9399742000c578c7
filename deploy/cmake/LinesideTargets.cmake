# SPDX-License-Identifier: Apache-2.0
# One place for compile options, the shared precompiled header and the two kinds of target we have:
#   lineside_library(name SOURCES ... DEPS ...)      a layer or a part of one
#   lineside_executable(name SOURCES ... DEPS ...)   a program in bin/
#   lineside_tests(name SOURCES ... DEPS ...)        a GoogleTest program, one ctest entry per test case (but see below)
# With LINESIDE_UNITY=N the compiler reads N sources of a target as one. What each of them instantiates anew (JSON, Asio, GoogleTest)
# is then compiled once for all of them: a build of everything takes half the time, one after a small change is slower. All presets set it
# but those that one works with, dev and clang. So names in the anonymous namespaces of a target's sources must differ; a source
# whose names shall stay as they are is named after ALONE too.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(LINESIDE_WERROR "Treat warnings as errors" ON)
option(LINESIDE_CRASHPOINTS "Compile in the named crash points of the tests" ON)
set(LINESIDE_UNITY 0 CACHE STRING "Sources of a target that are compiled as one; 0: each by itself")
set(LINESIDE_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")
option(LINESIDE_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # pch_defines,time_macros: what ccache needs to be allowed to cache files that use our one PCH.
    # BASEDIR, NOHASHDIR: another clone in another folder finds what the first one compiled.
    set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
pkg_check_modules(UDEV REQUIRED IMPORTED_TARGET libudev)
pkg_check_modules(LIBUSB REQUIRED IMPORTED_TARGET libusb-1.0)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

add_library(lineside_options INTERFACE)
target_include_directories(lineside_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(lineside_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
    -Woverloaded-virtual -Wcast-align -Wformat=2 -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -fno-var-tracking-assignments>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-braces>
    # It takes sources that are compiled as one for headers.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${LINESIDE_UNITY}>>:-Wno-subobject-linkage>
    $<$<BOOL:${LINESIDE_WERROR}>:-Werror>
    -fPIE -fstack-protector-strong)
target_compile_definitions(lineside_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_DISABLE_CONCEPTS
    $<$<BOOL:${LINESIDE_CRASHPOINTS}>:LINESIDE_CRASHPOINTS>
    $<$<CONFIG:Release>:_GLIBCXX_ASSERTIONS>
    LINESIDE_VERSION="${PROJECT_VERSION}")
target_link_options(lineside_options INTERFACE -pie -Wl,-z,relro,-z,now)
target_link_libraries(lineside_options INTERFACE Threads::Threads nlohmann_json::nlohmann_json fmt::fmt)
if(LINESIDE_SANITIZE)
    target_compile_options(lineside_options INTERFACE -fsanitize=${LINESIDE_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(lineside_options INTERFACE -fsanitize=${LINESIDE_SANITIZE})
    if(LINESIDE_FUZZ)       # what libFuzzer steers by; costs the unit tests of the same build next to nothing
        target_compile_options(lineside_options INTERFACE -fsanitize=fuzzer-no-link)
        target_link_options(lineside_options INTERFACE -fsanitize=fuzzer-no-link)
    endif()
    find_program(LLD_PROGRAM ld.lld)
    if(LLD_PROGRAM)     # a third of ld's time; these programs are large
        target_link_options(lineside_options INTERFACE -fuse-ld=lld)
    endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(lineside_options INTERFACE _FORTIFY_SOURCE=2)
endif()

# What only tests are compiled with. Optimizing them would take three quarters of their time; what they test is optimized.
add_library(lineside_test_options INTERFACE)
target_link_libraries(lineside_test_options INTERFACE lineside_options GTest::gtest GTest::gmock)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(lineside_test_options INTERFACE -O0 -U_FORTIFY_SOURCE)
endif()

# One precompiled header for every target, the std headers and the JSON library everybody uses; and the same with GoogleTest for tests.
set(LINESIDE_PCH <algorithm> <array> <chrono> <cstdint> <filesystem> <functional> <map> <memory> <optional> <set>
    <string> <string_view> <unordered_map> <utility> <variant> <vector> <nlohmann/json.hpp> <fmt/format.h>)
file(WRITE ${CMAKE_BINARY_DIR}/lineside_pch.cpp "")
add_library(lineside_pch STATIC ${CMAKE_BINARY_DIR}/lineside_pch.cpp)
target_link_libraries(lineside_pch PUBLIC lineside_options)
target_precompile_headers(lineside_pch PRIVATE ${LINESIDE_PCH})
add_library(lineside_test_pch STATIC EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/lineside_pch.cpp)
target_link_libraries(lineside_test_pch PUBLIC lineside_test_options)
target_precompile_headers(lineside_test_pch PRIVATE ${LINESIDE_PCH} <gtest/gtest.h> <gmock/gmock.h>)

# After `deps`: sources that are never compiled together with others.
function(_lineside_setup target pch deps)
    target_link_libraries(${target} PUBLIC lineside_options ${deps})
    target_precompile_headers(${target} REUSE_FROM ${pch})
    if(LINESIDE_UNITY)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${LINESIDE_UNITY})
        if(ARGN)
            set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
        endif()
    endif()
endfunction()

function(lineside_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;ALONE;DEPS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    _lineside_setup(${name} lineside_pch "${ARG_DEPS}" ${ARG_ALONE})
endfunction()

function(lineside_executable name)
    cmake_parse_arguments(ARG "" "" "SOURCES;ALONE;DEPS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    _lineside_setup(${name} lineside_pch "${ARG_DEPS}" ${ARG_ALONE})
endfunction()

# Cases are not looked for in the programs (gtest_discover_tests): ctest would start every test program before it runs anything, so
# what is being linked at that moment would stop tests of something else. There is one entry of ctest for a few sources instead, which
# starts fewer processes too, and what its cases did is in build/<preset>/cases/<name>.xml.
# COST: what takes longest begins first, or a core is idle at the end.
function(_lineside_few_processes name label cost)
    list(LENGTH ARGN sources)
    math(EXPR most "(${sources} + 3) / 4 - 1")
    math(EXPR total "${most} + 1")
    foreach(shard RANGE ${most})
        add_test(NAME ${name}.${shard} COMMAND ${name} --gtest_output=xml:${CMAKE_BINARY_DIR}/cases/${name}.${shard}.xml)
        set_tests_properties(${name}.${shard} PROPERTIES LABELS ${label} TIMEOUT 900 COST ${cost}
            ENVIRONMENT "GTEST_TOTAL_SHARDS=${total};GTEST_SHARD_INDEX=${shard}")
    endforeach()
endfunction()

function(lineside_tests name)
    cmake_parse_arguments(ARG "" "LABEL;COST" "SOURCES;ALONE;DEPS" ${ARGN})
    if(NOT ARG_LABEL)
        set(ARG_LABEL unit)
    endif()
    if(NOT ARG_COST)
        set(ARG_COST 0)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    _lineside_setup(${name} lineside_test_pch "lineside_test_options;${ARG_DEPS};GTest::gtest_main" ${ARG_ALONE})
    _lineside_few_processes(${name} ${ARG_LABEL} ${ARG_COST} ${ARG_SOURCES})
endfunction()
