// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_RANGES_HPP
#define CACHETORY_TESTS_SUPPORT_RANGES_HPP

#include <cstddef>
#include <utility>

namespace support {

/// A range that makes its items when they are read: make(0), make(1), ...
template <class Make>
struct generated {
    struct iterator {
        using difference_type = std::ptrdiff_t;
        using value_type = decltype(std::declval<const Make&>()(0));

        value_type operator*() const { return (*make)(position); }
        iterator& operator++() {
            ++position;
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++position;
            return before;
        }
        bool operator==(const iterator& other) const { return position == other.position; }

        const Make* make = nullptr;
        int position = 0;
    };

    iterator begin() const { return {&make, 0}; }
    iterator end() const { return {&make, count}; }

    int count;
    Make make;
};
template <class Make>
generated(int, Make) -> generated<Make>;

} // namespace support

#endif
