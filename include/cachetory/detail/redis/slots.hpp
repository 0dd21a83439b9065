// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_SLOTS_HPP
#define CACHETORY_DETAIL_REDIS_SLOTS_HPP

#include "../../version.hpp"
#include "address.hpp"
#include "answer.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cachetory::detail::redis {

/// How many slots the keys of a cluster are spread over.
inline constexpr std::size_t slot_count = 16384;

/// The remainders of CRC-16/XMODEM for each byte.
inline constexpr std::array<std::uint16_t, 256> crc16_table = [] {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte != 256; ++byte) {
        unsigned remainder = byte << 8;
        for (int bit = 0; bit != 8; ++bit) {
            remainder = (remainder << 1) ^ ((remainder & 0x8000) != 0 ? 0x1021U : 0U);
        }
        table[byte] = static_cast<std::uint16_t>(remainder & 0xffff);
    }
    return table;
}();

/// Returns the slot of `key`. If the key has a pair of braces with text in between, only that text
/// counts.
constexpr std::size_t slot_of(std::string_view key) noexcept {
    if (const auto open = key.find('{'); open != std::string_view::npos) {
        const auto close = key.find('}', open + 1);
        if (close != std::string_view::npos && close != open + 1) {
            key = key.substr(open + 1, close - open - 1);
        }
    }
    unsigned crc = 0;
    for (const char c : key) {
        const unsigned index = (crc >> 8) ^ static_cast<unsigned char>(c);
        crc = ((crc << 8) ^ crc16_table[index]) & 0xffff;
    }
    return crc % slot_count;
}

static_assert(slot_of("123456789") == 0x31c3 % slot_count);
static_assert(slot_of("{user}.a") == slot_of("b{user}{c}") && slot_of("{}a") != slot_of("{}b"));

/// Where to send a command instead.
struct redirection {
    bool ask; // true: this command only, after ASKING; false: the whole slot
    std::size_t slot;
    redis_address to;
};

/// Returns where to send a command that the server at `from` answered with an error such as
/// `MOVED 3999 127.0.0.1:6381`. Returns `std::nullopt` for other answers.
inline std::optional<redirection> redirection_of(const answer& given, const redis_address& from) {
    if (!given.is_error("MOVED") && !given.is_error("ASK")) {
        return std::nullopt;
    }
    std::string_view words = given.error();
    words.remove_prefix(words.find(' ') == std::string_view::npos ? words.size()
                                                                  : words.find(' ') + 1);
    std::size_t slot = slot_count;
    const auto slot_end = std::from_chars(words.data(), words.data() + words.size(), slot).ptr;
    words.remove_prefix(static_cast<std::size_t>(slot_end - words.data()));
    const auto colon = words.rfind(':');
    if (slot >= slot_count || !words.starts_with(' ') || colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view host = words.substr(1, colon - 1);
    const std::optional<int> port = parse_port(words.substr(colon + 1));
    if (!port || !(host.empty() || is_remote_host(host))) {
        return std::nullopt;
    }
    return redirection{
        given.is_error("ASK"), slot, {host.empty() ? from.host : std::string(host), *port}};
}

/// A range of consecutive slots, and the server that has them.
struct slot_range {
    std::size_t first;
    std::size_t last;
    redis_address owner;
};

/// Whether `reply` is one range of CLUSTER SLOTS: its first slot, its last, the primary, and more.
inline bool is_slot_range(const redisReply& reply) {
    if (!is_array(reply, 3) || !is_integer(*reply.element[0]) || !is_integer(*reply.element[1])) {
        return false;
    }
    const long long first = reply.element[0]->integer;
    const long long last = reply.element[1]->integer;
    const redisReply& primary = *reply.element[2];
    return 0 <= first && first <= last && last < static_cast<long long>(slot_count) &&
           is_array(primary, 2) && is_text_or_nil(*primary.element[0]) &&
           is_integer(*primary.element[1]) && is_port(primary.element[1]->integer);
}

inline bool is_slot_map(const redisReply& reply) { return is_array_of(is_slot_range, reply); }

/// Reads a reply of which is_slot_map() is true, from the server at `from`.
inline std::vector<slot_range> slot_map_of(const redisReply& reply, const redis_address& from) {
    std::vector<slot_range> ranges;
    for (std::size_t i = 0; i != reply.elements; ++i) {
        const redisReply& range = *reply.element[i];
        const redisReply& primary = *range.element[2];
        const std::string_view host = text_of(*primary.element[0]);
        if (host.empty() || (is_remote_host(host) && host != "?")) { // "?": it has no name yet
            ranges.push_back({static_cast<std::size_t>(range.element[0]->integer),
                              static_cast<std::size_t>(range.element[1]->integer),
                              {host.empty() ? from.host : std::string(host),
                               static_cast<int>(primary.element[1]->integer)}});
        }
    }
    return ranges;
}

} // namespace cachetory::detail::redis

#endif
