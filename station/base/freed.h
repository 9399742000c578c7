// SPDX-License-Identifier: Apache-2.0
// Deleter for what a C library gives away: std::unique_ptr<BIO, base::Freed<BIO_free>>.
// Thread: any.
#pragma once

namespace lineside::base {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};

}  // namespace lineside::base
