// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_LIFETIME_HPP
#define CACHETORY_DETAIL_REDIS_LIFETIME_HPP

#include "../../ttl.hpp"
#include "../../version.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cachetory::detail::redis {

/// How long an entry may live, in the form that commands take.
class lifetime {
public:
    /// Begins when the server executes the command.
    explicit lifetime(std::optional<ttl> time_to_live) : lifetime(time_to_live, false) {}

    /// Until a time of the server's clock. The largest value of any type means "forever".
    template <class Duration>
    explicit lifetime(std::chrono::sys_time<Duration> deadline)
        : lifetime(deadline == (std::chrono::sys_time<Duration>::max)()
                       ? std::nullopt
                       : std::optional<ttl>(deadline.time_since_epoch()),
                   true) {}

    [[nodiscard]] bool is_endless() const noexcept { return !milliseconds_; }

    /// Whether it ends before it begins. Servers refuse such a time to live.
    [[nodiscard]] bool is_over() const noexcept { return milliseconds_ && *milliseconds_ <= 0; }

    /// The option of SET and GETEX for it. It must be neither endless nor over.
    [[nodiscard]] std::string_view option() const noexcept { return is_absolute_ ? "PXAT" : "PX"; }

    /// The command that gives it to an entry. It must not be endless.
    [[nodiscard]] std::string_view command() const noexcept {
        return is_absolute_ ? "PEXPIREAT" : "PEXPIRE";
    }

    /// The number that follows the option or the command. It must not be endless.
    [[nodiscard]] std::string number() const { return std::to_string(*milliseconds_); }

private:
    lifetime(std::optional<ttl> span, bool is_absolute)
        : milliseconds_(span ? milliseconds_of(*span) : std::nullopt), is_absolute_(is_absolute) {}

    /// Returns `span` rounded up, 0 if it is negative, `std::nullopt` if it is too long for a
    /// server.
    static std::optional<std::int64_t> milliseconds_of(ttl span) {
        constexpr std::int64_t most = std::int64_t(1) << 62; // far from an overflow in the server
        const std::int64_t seconds = span.seconds().count();
        if (seconds < 0) {
            return 0; // whatever the fraction, which is less than a second
        }
        if (seconds >= most / 1000) {
            return std::nullopt;
        }
        return seconds * 1000 + (span.fraction().count() + 999'999) / 1'000'000;
    }

    std::optional<std::int64_t> milliseconds_; // nullopt: endless
    bool is_absolute_;
};

/// Returns the time that is `milliseconds` after the epoch. Returns `std::nullopt`, which means
/// never, if they are negative or more than the clock can count.
inline std::optional<std::chrono::system_clock::time_point> time_at(long long milliseconds) {
    using std::chrono::system_clock;
    constexpr auto last = std::chrono::floor<std::chrono::milliseconds>(
        (system_clock::time_point::max)().time_since_epoch());
    if (milliseconds < 0 || milliseconds >= last.count()) {
        return std::nullopt;
    }
    return system_clock::time_point(std::chrono::milliseconds(milliseconds));
}

} // namespace cachetory::detail::redis

#endif
