// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_HASHED_KEY_HPP
#define CACHETORY_DETAIL_HASHED_KEY_HPP

#include "../string_hash.hpp"
#include "../version.hpp"

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace cachetory::detail {

/// A key with its hash, which need not be computed again.
struct hashed_key {
    operator std::string_view() const { return text; } // implicit: a view that knows its hash

    std::string_view text;
    std::size_t hash;
};

template <class Hash>
struct hash_of;

/// Hashes keys with `Hash`. If a key comes with its hash, returns that. Not `noexcept`, so that
/// libstdc++ keeps the hash in the node. `Hash` is a member, because it may be final.
template <class Hash>
struct hash_once {
    static_assert(key_hash<Hash>,
                  "cachetory: Hash must be copyable and transparent (is_transparent)");
    static_assert(
        sizeof(std::invoke_result_t<const Hash&, std::string_view>) >= sizeof(std::size_t),
        "cachetory: Hash must return all bits of a std::size_t, because the upper half "
        "chooses the shard of a shared cache and recognises the evicted keys of a bounded one");

    using is_transparent = void;

    std::size_t operator()(std::string_view key) const { return hash(key); }
    std::size_t operator()(const hashed_key& key) const { return key.hash; }
    std::size_t operator()(const hash_of<Hash>& key) const { return key.value; }

    Hash hash;
};

/// Stands for any key that has this hash, in a look-up by hash alone.
template <class Hash>
struct hash_of {
    std::size_t value;
    const hash_once<Hash>* by;
};

struct equal_keys {
    using is_transparent = void;

    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
};

/// For maps in which a key can be looked up by its hash. Each comparison computes the hash again: a
/// table may compare keys in a bucket without having compared their hashes, so an equality that is
/// always true would find wrong keys.
template <class Hash>
struct equal_keys_or_hashes : equal_keys {
    using equal_keys::operator();

    bool operator()(const hash_of<Hash>& a, std::string_view b) const {
        return (*a.by)(b) == a.value;
    }
    bool operator()(std::string_view a, const hash_of<Hash>& b) const {
        return (*b.by)(a) == b.value;
    }
};

/// The equality of keys in a map with this hash.
template <class Hash>
struct equality_for : std::type_identity<equal_keys> {};
template <class Hash>
struct equality_for<hash_once<Hash>> : std::type_identity<equal_keys_or_hashes<Hash>> {};

} // namespace cachetory::detail

#endif
