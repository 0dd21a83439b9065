// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_SHARED_STRING_HPP
#define CACHETORY_DETAIL_SHARED_STRING_HPP

#include "../version.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#if !defined(__GNUC__)
#include <atomic>
#endif

namespace cachetory::detail {

/// An immutable string that all copies share, so that copying cannot fail.
///
/// Exceptions need one: the runtime copies them while it handles them, and ends the program if that
/// throws. The count of the owners is atomic because a `std::exception_ptr` may be copied and
/// rethrown in any thread. It uses the compiler's built-in operations where it can: `<memory>`, or
/// even `<atomic>`, would make the headers up to a fifth longer, and those of libstdc++ bring the
/// names of `<unistd.h>` into the global namespace.
class shared_string {
public:
    explicit shared_string(std::string_view text) : state_(new state{std::string(text)}) {}

    shared_string(const shared_string& other) noexcept : state_(other.state_) { change(+1); }

    shared_string& operator=(const shared_string& other) noexcept {
        shared_string copy(other);
        state* const old = state_;
        state_ = copy.state_;
        copy.state_ = old;
        return *this;
    }

    ~shared_string() {
        if (change(-1) == 0) {
            delete state_;
        }
    }

    [[nodiscard]] const std::string& text() const noexcept { return state_->text; }

private:
#if defined(__GNUC__)
    using counter = std::ptrdiff_t;
#else
    using counter = std::atomic<std::ptrdiff_t>;
#endif

    struct state {
        std::string text;
        counter owners{1};
    };

    /// Returns the new number of owners. All changes are ordered before the last owner's delete.
    std::ptrdiff_t change(std::ptrdiff_t by) const noexcept {
#if defined(__GNUC__)
        return __atomic_add_fetch(&state_->owners, by, __ATOMIC_ACQ_REL);
#else
        return state_->owners.fetch_add(by) + by;
#endif
    }

    state* state_;
};

} // namespace cachetory::detail

#endif
