// SPDX-License-Identifier: Apache-2.0
// toml++ as this project includes it. Of text that no key can begin with ("[=x]") it asserts that
// there is none, and in a release, with some compilers, builds on it; without that it says what is
// wrong and where, as of all other text. Thread: any.
#pragma once

#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
