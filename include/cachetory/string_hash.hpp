// SPDX-License-Identifier: MIT
#ifndef CACHETORY_STRING_HASH_HPP
#define CACHETORY_STRING_HASH_HPP

#include <cstddef>
#include <string_view>

namespace cachetory {

/// The default hash of keys: transparent, so that a look-up never makes a `std::string`.
class string_hash {
public:
    using is_transparent = void;

    /// Not `noexcept`, although it never throws: libstdc++ keeps the hash in each node only where
    /// the hasher says that it may throw, and without that every rehash and every walk along a
    /// bucket would hash the keys again.
    [[nodiscard]] std::size_t operator()(std::string_view key) const {
        return std::hash<std::string_view>()(key);
    }
};

static_assert(!noexcept(string_hash()(std::string_view())), "see operator()");

} // namespace cachetory

#endif
