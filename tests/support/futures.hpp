// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_FUTURES_HPP
#define CACHETORY_TESTS_SUPPORT_FUTURES_HPP

namespace support {

/// Whether the call returns a valid future, and that future's `get` throws an `Error`.
template <class Error, class Call>
bool fails_in_the_future(Call call) {
    auto future = call(); // must not throw
    if (!future.valid()) {
        return false;
    }
    try {
        (void)future.get();
    } catch (const Error&) {
        return true;
    }
    return false;
}

} // namespace support

#endif
