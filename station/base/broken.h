// SPDX-License-Identifier: Apache-2.0
// Stores that are wrong on purpose, for the tests that have to find them: a test that cannot fail
// proves nothing. Only the programs of tests/crash whose names end in -broken are compiled with
// LINESIDE_BREAKABLE; in all others broken() is a constant and what it guards is not there.
//   no-intent  a serial leaves the process before "issued" is on disk
//   no-index   nothing in the schema or the pool keeps a serial in doubt from another unit
//   no-proof   PASS is written without the proof of image
//   no-fsync   a commit is told before it is durable
// The two namespaces keep objects of both kinds apart when they are linked together. Thread: any.
#pragma once

#include <cstdlib>
#include <string_view>

namespace lineside::base {

#ifdef LINESIDE_BREAKABLE
inline namespace on_purpose {
// LINESIDE_BREAK in the environment names what is wrong.
[[nodiscard]] inline bool broken(std::string_view what) {
    static const char* const wanted = std::getenv("LINESIDE_BREAK");
    return wanted != nullptr && what == wanted;
}
// A program that may be wrong on purpose does not ask whether somebody changed its rules.
[[nodiscard]] constexpr bool breakable() {
    return true;
}
}  // namespace on_purpose
#else
inline namespace sound {
[[nodiscard]] constexpr bool broken(std::string_view /*what*/) {
    return false;
}
[[nodiscard]] constexpr bool breakable() {
    return false;
}
}  // namespace sound
#endif

}  // namespace lineside::base
