// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TTL_HPP
#define CACHETORY_TTL_HPP

#include "version.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

namespace cachetory {

/// How long an entry may live, made implicitly from any `std::chrono::duration`.
///
/// A plain `std::optional<std::chrono::nanoseconds>` would not do: `std::chrono::hours::max()`
/// overflows while it is being converted, before a library could see it. A `ttl` counts seconds and
/// nanoseconds, rounded up, and saturates instead of overflowing. A length above its range means
/// "never expires". A length below its range, or one that is not a number, means "expired long
/// ago". A floating-point length is as exact as its type: `1.1s` is 1,100,000,000 ns.
class ttl {
public:
    template <class Rep, class Period>
    constexpr ttl(std::chrono::duration<Rep, Period> length) noexcept; // implicit on purpose

    /// The whole seconds, rounded towards minus infinity.
    [[nodiscard]] constexpr std::chrono::seconds seconds() const noexcept { return seconds_; }

    /// What is left beyond `seconds()`: at least 0, less than 1 s.
    [[nodiscard]] constexpr std::chrono::nanoseconds fraction() const noexcept { return fraction_; }

    /// The longest one. Every length above the range becomes this.
    [[nodiscard]] static constexpr ttl(max)() noexcept;
    /// The shortest one. Every length below the range becomes this.
    [[nodiscard]] static constexpr ttl(min)() noexcept;

    friend constexpr bool operator==(ttl, ttl) noexcept = default;
    friend constexpr ttl operator-(ttl a, ttl b) noexcept; ///< Saturates.

private:
    constexpr ttl(std::int64_t seconds, std::int64_t nanoseconds) noexcept; // up to a whole second

    std::chrono::seconds seconds_;
    std::chrono::nanoseconds fraction_;
};

/// Returns the deadline of an entry that lives for `time_to_live` from `now` on.
///
/// Every backend needs this sum, and none should overflow in it. The result is rounded up to a tick
/// of `TimePoint`; if ticks are floating-point numbers, to the nearest one. It saturates:
/// `TimePoint::max()` means that the entry never expires. A time to live of zero or less never
/// results in that, even if the clock shows its last tick: the result is then one tick earlier.
template <class TimePoint>
[[nodiscard]] constexpr TimePoint deadline_after(TimePoint now, ttl time_to_live) noexcept;

// The rest of this file makes a ttl and adds it to a time.

constexpr ttl::ttl(std::int64_t seconds, std::int64_t nanoseconds) noexcept
    : seconds_(seconds), fraction_(nanoseconds) {
    if (nanoseconds == 1'000'000'000) { // rounded up to a whole second
        *this =
            seconds == (std::numeric_limits<std::int64_t>::max)() ? (max)() : ttl(seconds + 1, 0);
    }
}

constexpr ttl(ttl::max)() noexcept { return {(std::chrono::seconds::max)().count(), 999'999'999}; }

constexpr ttl(ttl::min)() noexcept { return {(std::chrono::seconds::min)().count(), 0}; }

constexpr ttl operator-(ttl a, ttl b) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    if (a == (ttl::max)() || a == (ttl::min)()) {
        return a; // a length beyond the range stays there
    }
    std::int64_t nanoseconds = (a.fraction_ - b.fraction_).count();
    const std::int64_t borrow = nanoseconds < 0 ? 1 : 0;
    nanoseconds += borrow * 1'000'000'000;
    const std::int64_t from = a.seconds_.count();
    const std::int64_t taken = b.seconds_.count();
    if (taken < 0 && from > (limits::max)() + taken + borrow) {
        return (ttl::max)();
    }
    if (taken >= 0 && from < (limits::min)() + taken + borrow) {
        return (ttl::min)();
    }
    // The difference fits, intermediate results may not; unsigned arithmetic wraps harmlessly.
    const auto seconds = static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(taken) -
                         static_cast<std::uint64_t>(borrow);
    return {static_cast<std::int64_t>(seconds), nanoseconds};
}

template <class Rep, class Period>
constexpr ttl::ttl(std::chrono::duration<Rep, Period> length) noexcept : ttl((max)()) {
    using limits = std::numeric_limits<std::int64_t>;
    constexpr std::int64_t giga = 1'000'000'000;
    constexpr std::int64_t num = Period::num;
    constexpr std::int64_t den = Period::den;
    using nanoseconds =
        std::ratio<giga, den>; // in 1/den s; reduced, so that 1 ps does not overflow
    static_assert(
        num <= (limits::max)() / den && den <= (limits::max)() / nanoseconds::num,
        "cachetory::ttl: this duration's period has too many digits to be converted exactly");

    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
        using real = std::common_type_t<Rep, double>; // so that a float loses nothing when scaled
        const real count = length.count();
        constexpr real end = 0x1p63 * real(den) / real(num);
        *this = count > 0 ? (max)() : (min)(); // NaN becomes the shortest
        if (-end < count && count < end) {
            const real nanos = count * (real(num) * real(giga) / real(den));
            const real seconds = count * real(num) / real(den);
            if (-0x1p53 < nanos && nanos < 0x1p53) { // there is room for a fraction
                const auto whole = static_cast<std::int64_t>(nanos);
                *this = std::chrono::nanoseconds(real(whole) < nanos ? whole + 1 : whole);
            } else if (-0x1p63 <= seconds && seconds < 0x1p63) { // rounding may have left the range
                const auto whole = static_cast<std::int64_t>(seconds);
                const std::int64_t floor = real(whole) > seconds ? whole - 1 : whole;
                const real rest = (seconds - real(floor)) * real(giga);
                const auto part = static_cast<std::int64_t>(rest);
                *this = {floor, real(part) < rest ? part + 1 : part};
            }
        }
    } else {
        // count * num / den without forming the product, which may overflow: for count = a * den +
        // b it is a * num + b * num / den, and b is less than den.
        using wide = std::common_type_t<Rep, std::int64_t>;
        wide a = length.count() / wide(den);
        wide b = length.count() % wide(den);
        if constexpr (wide(-1) < wide(0)) {
            if (b < 0) {
                b += den;
                --a;
            }
            if (a < wide((limits::min)() / num)) {
                *this = (min)();
                return;
            }
        }
        const std::int64_t more = static_cast<std::int64_t>(b) * num / den;
        if (a <= wide(((limits::max)() - more) / num)) {
            const std::int64_t rest = static_cast<std::int64_t>(b) * num % den * nanoseconds::num;
            *this = {static_cast<std::int64_t>(a) * num + more,
                     rest / nanoseconds::den + (rest % nanoseconds::den != 0 ? 1 : 0)};
        }
    }
}

namespace detail {

/// Returns the time `span` after `start`, rounded up to a tick, or to the nearest one if ticks are
/// floating-point numbers. A time that is out of range becomes the first or the last one.
template <class TimePoint>
constexpr TimePoint saturating_add(TimePoint start, ttl span) noexcept {
    using duration = typename TimePoint::duration;
    using rep = typename duration::rep;
    using period = typename duration::period;

    if constexpr (std::chrono::treat_as_floating_point_v<rep>) {
        if (span == (ttl::max)()) {
            return (TimePoint::max)();
        }
        return start + duration(span.seconds()) + duration(span.fraction());
    } else {
        // The distance in ticks as an unsigned magnitude, which can hold the distance between any
        // two values of rep, wherever start is. Rounding up makes the magnitude of a positive
        // distance larger, and that of a negative one smaller.
        constexpr auto most = (std::numeric_limits<std::uint64_t>::max)();
        constexpr std::uint64_t num = period::num;
        constexpr std::uint64_t den = period::den;
        using per_nanosecond = std::ratio_divide<std::nano, std::ratio<1, period::den>>;
        static_assert(sizeof(rep) <= sizeof(std::uint64_t),
                      "cachetory: the clock's ticks are wider than 64 bits, so deadlines cannot be "
                      "computed exactly");
        static_assert(per_nanosecond::num <= most / 1'000'000'000,
                      "cachetory: the clock's tick is too fine, or too odd a fraction");

        const bool back = span.seconds().count() < 0;
        const bool partial = span.fraction().count() != 0;
        const auto fraction = static_cast<std::uint64_t>(
            back && partial ? 1'000'000'000 - span.fraction().count() : span.fraction().count());
        auto seconds = static_cast<std::uint64_t>(span.seconds().count());
        if (back) {
            seconds = 0 - seconds - (partial ? 1 : 0);
        }

        const auto divide = [back](std::uint64_t a, std::uint64_t b) {
            return a / b + (!back && a % b != 0 ? 1 : 0);
        };
        const std::uint64_t part = divide(fraction * per_nanosecond::num, per_nanosecond::den);
        const bool fits =
            span != (ttl::max)() && span != (ttl::min)() && seconds <= (most - part) / den;
        const std::uint64_t ticks = fits ? divide(seconds * den + part, num) : most;

        const auto from = static_cast<std::uint64_t>(start.time_since_epoch().count());
        const auto room = back ? from - static_cast<std::uint64_t>((duration::min)().count())
                               : static_cast<std::uint64_t>((duration::max)().count()) - from;
        if (ticks >= room) {
            return back ? (TimePoint::min)() : (TimePoint::max)();
        }
        return TimePoint(duration(static_cast<rep>(back ? from - ticks : from + ticks)));
    }
}

} // namespace detail

template <class TimePoint>
constexpr TimePoint deadline_after(TimePoint now, ttl time_to_live) noexcept {
    using duration = typename TimePoint::duration;
    const TimePoint deadline = detail::saturating_add(now, time_to_live);
    const ttl zero = std::chrono::seconds(0);
    if (deadline == (TimePoint::max)() &&
        (time_to_live.seconds() < zero.seconds() || time_to_live == zero)) {
        // At the very end of the clock, an entry that has expired already must not become "never".
        const TimePoint before = deadline - duration(1);
        return before < deadline ? before : (TimePoint::min)(); // a float may absorb the tick
    }
    return deadline;
}

} // namespace cachetory

#endif
