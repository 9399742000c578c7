# SPDX-License-Identifier: Apache-2.0
# Writes ${OUT}: migrations(), the SQL files of ${IN} in the order of their numbers (0001_, 0002_, ...).
set(body "")
set(wanted 0)
foreach(file ${IN})
    math(EXPR wanted "${wanted} + 1")
    get_filename_component(name "${file}" NAME)
    string(REGEX MATCH "^0*([0-9]+)_" number "${name}")
    if(NOT CMAKE_MATCH_1 EQUAL wanted)
        message(FATAL_ERROR "${name}: migrations are numbered 0001_, 0002_, ... without a gap")
    endif()
    file(READ "${file}" sql)
    string(APPEND body "    Migration{${wanted}, R\"__sql__(${sql})__sql__\"},\n")
endforeach()
file(WRITE "${OUT}" "// Generated from migrations/*.sql; edit those.
#include \"station/db/connection.h\"

namespace lineside::db {
namespace {

constexpr Migration kMigrations[] = {
${body}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace lineside::db
")
