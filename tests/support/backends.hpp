// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_BACKENDS_HPP
#define CACHETORY_TESTS_SUPPORT_BACKENDS_HPP

#include "manual_clock.hpp"
#include "result.hpp"

#include <map_backend.hpp> // made of docs/new-backend.md
#if defined(CACHETORY_TEST_REDIS)
#include "redis_cluster.hpp"
#include "redis_sentinels.hpp"
#include "redis_server.hpp"

#include <cachetory/redis_backend.hpp>
#endif

#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/serialized_backend.hpp>
#include <cachetory/string_hash.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

// The backends under test. A new one is an entry in `all_backends`: a struct with a name, the
// features of the backend, and either its type, if it has a default constructor, or a function
// `make<Wire>()`, which returns an empty one. All of tests/contract then runs for it, and so do the
// tests that its features select.
namespace support {

/// What a backend has beyond the contract.
struct features {
    bool in_memory = false;  ///< Takes any `Clock`, any `Hash` and any copyable value.
    bool references = false; ///< `find` returns a pointer. Copyable and movable like a container.
    bool move_only = false;  ///< Takes values that cannot be copied.
    bool shared = false;     ///< Safe between threads. Bulk verbs lock once for each key.
};

struct memory {
    static std::string name() { return "memory"; }
    static constexpr features has = {.in_memory = true, .references = true, .move_only = true};

    template <class Wire, class Clock, class Hash, class Mutex>
    using backend = cachetory::memory_backend<Wire, Clock, Hash>;
};

struct concurrent_memory {
    static std::string name() { return "concurrent memory"; }
    static constexpr features has = {.in_memory = true, .move_only = true, .shared = true};

    template <class Wire, class Clock, class Hash, class Mutex>
    using backend = cachetory::concurrent_memory_backend<Wire, Clock, Hash, Mutex>;
};

/// A `Backend` whose default constructor passes these arguments.
template <class Backend, auto... Arguments>
struct made_with : Backend {
    made_with() : Backend(Arguments...) {}

    static made_with from_url(std::string_view url) {
        static_cast<void>(Backend::from_url(url));
        return {};
    }
};

/// More than any test of the contract stores.
inline constexpr std::size_t max_entries = 100'000;

struct bounded_memory {
    static std::string name() { return "bounded memory"; }
    static constexpr features has = memory::has;

    template <class Wire, class Clock, class Hash, class Mutex>
    using backend = made_with<cachetory::bounded_memory_backend<Wire, Clock, Hash>, max_entries>;
};

struct bounded_concurrent_memory {
    static std::string name() { return "bounded concurrent memory"; }
    static constexpr features has = concurrent_memory::has;

    template <class Wire, class Clock, class Hash, class Mutex>
    using backend =
        made_with<cachetory::bounded_concurrent_memory_backend<Wire, Clock, Hash, Mutex>,
                  max_entries>;
};

struct serialized_memory {
    static std::string name() { return "serialized memory"; }
    static constexpr features has = {};

    template <class Wire, class Clock, class Hash, class Mutex>
    using backend =
        cachetory::serialized_backend<Wire, cachetory::memory_backend<std::string, Clock, Hash>>;
};

/// The backend that docs/new-backend.md shows.
struct map {
    static std::string name() { return "map"; }
    static constexpr features has = {};

    template <class Wire, class...>
    using backend = map_backend<Wire>;
};

#if defined(CACHETORY_TEST_REDIS)

/// Values of any type on a server.
template <class Wire>
using serialized = cachetory::serialized_backend<Wire, cachetory::redis_backend>;

/// What the entries for Redis have in common.
struct on_redis {
    static constexpr features has = {};

    template <class Wire, class...>
    using backend = serialized<Wire>;
};

struct redis : on_redis {
    static std::string name() { return "redis"; }

    template <class Wire>
    static auto make() {
        return serialized<Wire>(cachetory::redis_backend::from_url(empty_redis_server().url()));
    }
};

struct redis_socket : on_redis {
    static std::string name() { return "redis by a Unix socket"; }

    template <class Wire>
    static auto make() {
        return serialized<Wire>(
            cachetory::redis_backend::from_url("redis+unix://" + empty_redis_server().socket()));
    }
};

struct redis_prefix : on_redis {
    static std::string name() { return "redis under a prefix"; }

    template <class Wire>
    static auto make() {
        auto server = cachetory::redis_backend::from_url(empty_redis_server().url());
        server.set("key", "of somebody else");
        return serialized<Wire>(server.under("a prefix:"));
    }
};

struct redis_cluster_handle : on_redis {
    static std::string name() { return "redis cluster"; }

    template <class Wire>
    static auto make() {
        return serialized<Wire>(cachetory::redis_backend::from_url(shared_redis_cluster().url()));
    }
};

struct redis_sentinel_handle : on_redis {
    static std::string name() { return "redis by sentinels"; }

    template <class Wire>
    static auto make() {
        auto primary = cachetory::redis_backend::from_url(shared_redis_sentinels().url());
        primary.clear();
        return serialized<Wire>(std::move(primary));
    }
};

#endif

/// The backend of another entry, behind ready futures.
template <class Entry>
struct async {
    static std::string name() { return "async " + Entry::name(); }
    static constexpr features has = {.in_memory = Entry::has.in_memory,
                                     .references = Entry::has.references,
                                     .move_only = Entry::has.references, // else `get` copies
                                     .shared = Entry::has.shared};

    template <class Wire, class Clock, class Hash, class Mutex>
    using backend =
        cachetory::async_backend<typename Entry::template backend<Wire, Clock, Hash, Mutex>>;

    template <class Wire>
    requires requires { Entry::template make<Wire>(); }
    static auto make() { return cachetory::async_backend(Entry::template make<Wire>()); }
};

#if defined(CACHETORY_TEST_REDIS) // a separate program, because it needs servers
using all_backends = std::tuple<redis,
                                redis_socket,
                                redis_prefix,
                                redis_cluster_handle,
                                redis_sentinel_handle,
                                async<redis>>;
#elif defined(CACHETORY_TEST_FEWER_BACKENDS) // enough to find what differs between platforms
using all_backends =
    std::tuple<memory, async<concurrent_memory>, bounded_concurrent_memory, serialized_memory>;
#else
using all_backends = std::tuple<memory,
                                async<memory>,
                                concurrent_memory,
                                async<concurrent_memory>,
                                bounded_memory,
                                bounded_concurrent_memory,
                                serialized_memory,
                                map,
                                async<map>>;
#endif

/// The backends that have a feature.
template <bool features::*Feature>
using backends_with = decltype([]<class... Entries>(std::tuple<Entries...>) {
    return std::tuple_cat(
        std::conditional_t<Entries::has.*Feature, std::tuple<Entries>, std::tuple<>>()...);
}(all_backends()));

using backends_in_memory = backends_with<&features::in_memory>;

/// The type of a backend.
template <class Entry,
          class Wire = int,
          class Clock = manual_clock<>,
          class Hash = cachetory::string_hash,
          class Mutex = cachetory::detail::default_mutex>
using backend_of = typename Entry::template backend<Wire, Clock, Hash, Mutex>;

/// An empty backend. If tests can set its clock, the clock shows 1,000 ticks.
template <class Entry, class Wire = int, class Clock = manual_clock<>>
auto fresh() {
    Clock::reset();
    if constexpr (requires { Entry::template make<Wire>(); }) {
        return Entry::template make<Wire>();
    } else {
        return backend_of<Entry, Wire, Clock>();
    }
}

/// The backend behind the futures, if there are any.
template <class Backend>
struct synchronous {
    using type = Backend;
};
template <class Backend>
struct synchronous<cachetory::async_backend<Backend>> {
    using type = Backend;
};

template <class Backend>
inline constexpr bool has_sizes = requires(const typename synchronous<Backend>::type& backend) {
    backend.size();
};

/// Whether a test can set the clock of a backend.
template <class Cache>
inline constexpr bool has_manual_clock = requires {
    Cache::clock::advance(std::chrono::seconds());
};

/// Lets the live entry of `key` expire, by moving the clock if a test can set it.
template <class Cache>
void expire(Cache& cache, std::string_view key) {
    using namespace std::chrono_literals;
    if constexpr (has_manual_clock<Cache>) {
        result(cache.expire_in(key, 10ns));
        Cache::clock::advance(10ns);
    } else {
        result(cache.expire_in(key, -1s));
    }
}

template <std::size_t Shards, class Backend>
struct choose_shards {
    using type = Backend;
};
template <std::size_t Shards, class... Arguments>
struct choose_shards<Shards, cachetory::concurrent_memory_backend<Arguments...>> {
    using type = made_with<cachetory::concurrent_memory_backend<Arguments...>, Shards>;
};
template <std::size_t Shards, std::size_t Most, class... Arguments>
struct choose_shards<Shards, made_with<cachetory::concurrent_memory_backend<Arguments...>, Most>> {
    using type = made_with<cachetory::concurrent_memory_backend<Arguments...>, Most, Shards>;
};
template <std::size_t Shards, class Backend>
struct choose_shards<Shards, cachetory::async_backend<Backend>> {
    using type = cachetory::async_backend<typename choose_shards<Shards, Backend>::type>;
};

/// `Backend` with this number of shards, if it has shards.
template <std::size_t Shards, class Backend>
using with_shards = typename choose_shards<Shards, Backend>::type;

/// The URL of an empty `Backend` in memory.
template <class Backend>
constexpr std::string_view url_of() {
    constexpr bool bounded = requires(const typename synchronous<Backend>::type& backend) {
        backend.max_entries();
    };
    return bounded ? "memory://?max_entries=100" : "memory://";
}

} // namespace support

#endif
