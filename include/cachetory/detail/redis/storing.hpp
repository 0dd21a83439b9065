// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_STORING_HPP
#define CACHETORY_DETAIL_REDIS_STORING_HPP

#include "../../version.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "lifetime.hpp"

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace cachetory::detail::redis {

/// Something whose bytes can be stored.
template <class Value>
concept bytes =
    std::convertible_to<Value, std::string_view> || std::convertible_to<Value, std::string>;

/// Returns the bytes of `value`: a view of them if it can be viewed.
template <bytes Value>
auto bytes_of(Value&& value) {
    if constexpr (std::convertible_to<Value, std::string_view>) {
        return static_cast<std::string_view>(std::forward<Value>(value));
    } else {
        return static_cast<std::string>(std::forward<Value>(value));
    }
}

/// How values are stored: for how long, and whether they replace what is there.
class storing {
public:
    storing(const lifetime& until, bool if_not_exists)
        : until_(until),
          if_not_exists_(if_not_exists),
          number_(until.is_endless() ? "" : until.number()) {}

    /// Adds the command that stores `value`.
    void add_to(batch& commands, full_key key, std::string_view value) const {
        if (until_.is_over()) { // nobody could see the value
            commands.add(is_integer, if_not_exists_ ? "EXISTS" : "UNLINK", key);
            return;
        }
        arguments rest = {value};
        add_rest(rest);
        commands.add(is_ok_or_nil, "SET", key, rest);
    }

    /// Whether the answer to that command says that the value was stored.
    [[nodiscard]] bool has_stored(const answer& given) const {
        if (until_.is_over()) {
            return given.integer() == 0 || !if_not_exists_;
        }
        return !given.is_nil();
    }

    /// Adds the command that stores `value` and is answered with the value that was there.
    void add_exchange_to(batch& commands, full_key key, std::string_view value) const {
        if (until_.is_over()) {
            commands.add(is_text_or_nil, "GET", key);
            return;
        }
        arguments rest = {value, "GET"};
        add_rest(rest);
        commands.add(is_text_or_nil, "SET", key, rest);
    }

private:
    void add_rest(arguments& rest) const {
        if (if_not_exists_) {
            rest.add("NX");
        }
        if (!until_.is_endless()) {
            rest.add(until_.option());
            rest.add(number_);
        }
    }

    lifetime until_;
    bool if_not_exists_;
    std::string number_;
};

} // namespace cachetory::detail::redis

#endif
