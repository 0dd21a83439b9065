# SPDX-License-Identifier: MIT
"""The rows of the table: each compares the time of one contender with that of another."""
import re

SIZES = (1_000, 100_000)


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(value):
    return f"{number(value) if value >= 2.5 else format(value, '.2f' if value >= 0.1 else '.3f')}×"


def shown(ratio):
    """The figure that the table shows, by which targets are judged."""
    return float(times(ratio.median)[:-1])


class Ratio:
    """Time of `ours` / time of `other`, which should be `at_most` that, if there is a target. `why` is the reason, if we lose
    or miss the target."""

    def __init__(self, what, beside, operation, ours, other, at_most=None, shape="k12_v8", sizes=SIZES, why=""):
        self.what, self.beside, self.why = what, beside, why
        self.ours, self.other = ([f"{operation}/{shape}/{n}/{who}" for n in sizes] for who in (ours, other))
        self.limits = at_most if isinstance(at_most, tuple) else (at_most,) * len(sizes)
        self.sizes = sizes

    def ratios(self, results):
        return [results.ratio(ours, other) for ours, other in zip(self.ours, self.other)]

    def measured(self, results):
        return any(self.ratios(results))

    def nanoseconds(self, results):
        found = [results.time(name) for name in self.ours]
        return " / ".join("?" if each is None else number(each) for each in found)

    def counts(self, counted, form):
        """Of our operation and, in brackets, of the other."""
        for ours, other in zip(self.ours, self.other):
            if ours in counted:
                return form(counted[ours]) + (f" ({form(counted[other])})" if other in counted else "")
        return ""

    def instructions(self, results):
        return self.counts(results.instructions, "{:.0f}".format)

    def misses(self, results):
        return self.counts(results.misses, "{:.1f}".format)

    def figures(self, results):
        return " / ".join(
            f"{times(each.median)} ({times(each.low)[:-1]}–{times(each.high)[:-1]})" if each else "?"
            for each in self.ratios(results)
        )

    def medians(self, results):
        return " / ".join(times(each.median) if each else "?" for each in self.ratios(results))

    def target(self):
        return " / ".join(f"≤ {limit:g}×" for limit in dict.fromkeys(self.limits) if limit)

    def verdicts(self, results):
        """For each size whether the target is met, None without one. A target is also one about misses,
        where both were counted. The same look-up in the same table has had 2.77 to 2.92, because hashes differ."""
        seen, found = results.misses, []
        for ours, other, each, limit in zip(self.ours, self.other, self.ratios(results), self.limits):
            few = not limit or ours not in seen or other not in seen or seen[ours] <= 1.08 * limit * seen[other]
            found.append(shown(each) <= limit and few if each and limit else None)
        return found

    def met(self, results):
        """True or False, None without a target."""
        judged = [verdict for verdict in self.verdicts(results) if verdict is not None]
        return all(judged) if judged else None

    def loss(self, results):
        """By how much we lose or miss the target, or "" if we do neither."""
        lost = []
        for each, n, limit, met in zip(self.ratios(results), self.sizes, self.limits, self.verdicts(results)):
            if met is False or each and each.low > 1.005:
                lost.append(f"{times(each.median)} with {n:,} entries" + (f" (target: {limit:g}×)" if met is False else ""))
        return " and ".join(lost)


class Fact(Ratio):
    """A figure that is not a ratio of times: `pick(values)` of a counter of the benchmarks."""

    def __init__(self, what, beside, names, counter, pick, text, at_most=None, target=""):
        super().__init__(what, beside, "", "", "", at_most, sizes=(0,))
        self.ours, self.other, self.counter, self.pick, self.text, self.promised = names, [], counter, pick, text, target

    def value(self, results):
        values = [results.counter(name, self.counter) for name in self.ours]
        return None if None in values else self.pick(values)

    def measured(self, results):
        return self.value(results) is not None

    def nanoseconds(self, results):
        return ""

    instructions = misses = nanoseconds

    def figures(self, results):
        return self.text(self.value(results))

    def target(self):
        return self.promised

    def met(self, results):
        return None if self.limits[0] is None else self.value(results) <= self.limits[0]

    def loss(self, results):
        return f"{self.figures(results)} (target: {self.promised})" if self.met(results) is False else ""


MAP = "`unordered_map`"
HAND = MAP + " + mutex + `now()`"
OLD = "1,024 shards with `std::mutex`, the old default"
CLOCK = MAP + " + `now()`"
FLAT = "`boost::unordered_flat_map`"
LRU = "textbook LRU + mutex"
WAIT = "Most of the time is spent waiting for memory, where a faster hash gains nothing."
CHECK = "Each hit reads a clock to compare it with the deadline; the map has none. The rows about the coarse clock show what that costs at least."
CALLED = "The deadline is read and the table’s `find` is called; the map’s `find` is inlined into its only caller."
LEAST = "But for the hash, none of this is our code: it is what a look-up with a deadline costs at least."
SHARDS = "The lock costs little, as the row about one lock shows. But a look-up must find its shard, and read it and its small table. Fewer shards take less of the processor’s cache, but threads meet more often."
SHARED_MAP = "Among 100,000 entries, any `unordered_map` waits for memory. The next row of the table shows what any shards of one take; but for the hash, none of that is our code."
LOCK = "Each look-up takes a lock, and a hit copies the value."
POLICY = "The victim is looked up in the table, and its ghost and the new key’s are looked up as well; LRU takes the last entry of its list."
OPEN = "It stores entries in one array, without a node for each, so its references do not stay valid."
ROUND = "Each call takes a connection from the pool, checks whether it is still open, and returns it."
MANY = (100_000,)
WAYS = (("ways_hit", "async_get"), ("ways_hit", "async_co_await"), ("ways_miss", "async_find"))
ASYNC = [f"{operation}/k12_v8/{n}/{way}" for operation, way in WAYS for n in SIZES]
POCO_LRU, POCO_EXPIRE = "`Poco::LRUCache`", "`Poco::ExpireLRUCache`"
WEIGHED = [f"memory/k12_v8/100000/{who}" for who in ("ours", "values_only")]
BOUNDED = [f"bounded_memory/k12_v8/100000/{who}" for who in ("bounded", "unbounded")]
TABLE = [
    Ratio("`find`, hit, never expires", MAP, "find_hit", "ours_never", "bare", 1.0),
    Ratio("– 40-byte keys", MAP, "find_hit", "ours_never", "bare", 1.0, "k40_v8", why=WAIT),
    Ratio("– 40-byte keys, the map with our hash", MAP, "find_hit", "bare_with_our_hash", "bare", shape="k40_v8", why=WAIT),
    Ratio("– another hash", MAP + " with our hash", "find_hit", "ours_never", "bare_with_our_hash", why=CALLED),
    Ratio("`find`, hit, one hour to live", MAP + ", no clock", "find_hit", "ours", "bare", (1.15, 1.35), why=CHECK),
    Ratio("– 40-byte keys", MAP + ", no clock", "find_hit", "ours", "bare", (1.15, 1.35), "k40_v8", why=CHECK),
    Ratio("– the map with our hash and the coarse clock", MAP + ", no clock", "find_hit", "map_and_coarse_clock", "bare", why=LEAST),
    Ratio("– the same, 40-byte keys", MAP + ", no clock", "find_hit", "map_and_coarse_clock", "bare", shape="k40_v8", why=LEAST),
    Ratio("– `system_clock`", MAP + ", no clock", "find_hit", "ours_system_clock", "bare", (1.15, 1.35), why=CHECK),
    Ratio("– 200-byte values", MAP + ", no clock", "find_hit", "ours", "bare", None, "k12_v200", MANY, why=CHECK),
    Ratio("– Zipf-distributed keys", MAP + ", no clock", "find_hit_zipf", "ours", "bare", sizes=MANY, why=CHECK),
    Ratio("– compared with an open-addressing map", FLAT + ", no clock", "find_hit", "ours", "boost_flat", why=OPEN),
    Ratio("– compared with hand-written code", HAND, "find_hit", "ours", "hand_written"),
    Ratio("– compared with Poco", "`Poco::UniqueExpireCache`", "find_hit", "ours", "poco", 0.125, why="No cache on this map can take less: the map alone, without a deadline, takes as much, as the next row of the table shows."),
    Ratio("– the map alone, compared with Poco", "`Poco::UniqueExpireCache`", "find_hit", "bare", "poco"),
    Ratio("`find`, miss", MAP, "find_miss", "ours", "bare", 1.0),
    Ratio("– 40-byte keys", MAP, "find_miss", "ours", "bare", 1.0, "k40_v8", why="In time it does not. It misses the cache 3.4 to 3.5 times, the map 3.3 times; with our hash the map does so as often as we do, as the next row of the table shows."),
    Ratio("– 40-byte keys, another hash", MAP + " with our hash", "find_miss", "ours", "bare_with_our_hash", shape="k40_v8", why=CALLED),
    Ratio("– another hash", MAP + " with our hash", "find_miss", "ours", "bare_with_our_hash", why=CALLED),
    Ratio("– compared with an open-addressing map", FLAT, "find_miss", "ours", "boost_flat", why="Looking at one group of its metadata is enough to know that a key is absent."),
    Ratio("`get`, hit, never expires", "`find`", "find_hit", "ours_never_get", "ours_never", 1.05),
    Ratio("`get`, hit, one hour to live", "`find`", "ways_hit", "ours_get", "ours_find", 1.05),
    Ratio("`get_many` of 64 keys, each", "64 × `find`", "get_64", "ours_get_many", "ours_finds", 0.9),
    Ratio("`touch`, hit", CLOCK, "touch", "ours", "map_and_clock"),
    Ratio("`set` over an entry", MAP + ", find and assign", "overwrite", "ours_never", "bare", 1.0),
    Ratio("– one hour to live", CLOCK, "overwrite", "ours", "map_and_clock", 1.1),
    Ratio("`set_or_visit`, hit", CLOCK, "set_or_visit", "ours", "map_and_clock"),
    Ratio("`set` into an empty cache, and destroying it", MAP + ", `try_emplace`", "insert", "ours_never", "bare", 1.2, why="An insertion takes two look-ups; `try_emplace` takes one."),
    Ratio("`find` of an expired entry, and `set`", CLOCK, "expire_and_reinsert", "ours", "map_and_clock", why="The cheaper clock cannot tell that an entry has expired, so both are read; that is most of it."),
    Ratio("`erase_if` that erases a tenth, each entry", CLOCK, "erase_if", "ours", "map_and_clock", sizes=MANY, why="Erased entries are collected first: values are destroyed only after all entries have been visited."),
    Ratio("async `get(…).get()`", "`get`", "ways_hit", "async_get", "ours_get", 1.1, why="It executes hardly any more instructions; why it takes longer is not known yet."),
    Ratio("`co_await` of async `get`", "`get` in a coroutine", "ways_hit", "async_co_await", "ours_get_in_coroutine", 1.1, why="The compiler does not remove all instructions of the future. But awaiting one of the least possible results takes longer, as the next row of the table shows."),
    Ratio("– an address or an exception, no future", "`get` in a coroutine", "ways_hit", "least_co_await", "ours_get_in_coroutine", why="This awaits none of our code: it is what awaiting any such result costs."),
    Ratio("async `find(…).get()`, miss", "`find`", "ways_miss", "async_find", "ours_find", 1.15),
    Fact("– allocations of the three", "", ASYNC, "allocations", max, lambda n: f"{n:g}" if n else "none", 0, "none"),
    Ratio("shared `find`, hit, one hour to live", "`memory_backend`", "find_hit", "ours_concurrent", "ours", (1.25, 1.2), why=SHARDS),
    Ratio("– one lock, no shards", "`memory_backend`", "find_hit", "one_lock", "ours", why="The lock."),
    Ratio("– 64 shards", "`memory_backend`", "find_hit", "64_shards", "ours", why=SHARDS),
    Ratio("– 64 shards, two threads", "512 shards", "find_threads", "64_shards/threads:2", "ours_concurrent/threads:2", why="The threads meet more often."),
    Ratio("– one thread", HAND, "find_hit", "ours_concurrent", "hand_written", 0.5, why=SHARED_MAP),
    Ratio("– one thread, shards of the map with our hash, the cheapest lock that knows whether threads wait, and the coarse clock", HAND, "find_hit", "shards_and_coarse_clock", "hand_written"),
    Ratio("– two threads, different keys", HAND, "find_threads", "ours_concurrent/threads:2", "hand_written/threads:2", 0.25),
    Ratio("– two threads, different keys", "`tbb::concurrent_hash_map` + `now()`", "find_threads", "ours_concurrent/threads:2", "tbb/threads:2", why=LOCK),
    Ratio("– two threads, different keys", "`boost::concurrent_flat_map` + `now()`", "find_threads", "ours_concurrent/threads:2", "boost_concurrent/threads:2", why=OPEN),
    Ratio("– two threads, the ideal", "two caches without a lock", "find_threads", "ours_concurrent/threads:2", "one_each/threads:2", why=LOCK),
    Ratio("– its lock, two threads", "the same with `std::mutex`", "find_lock", "ours_concurrent/threads:2", "std_mutex/threads:2", why="It differs from run to run: it has been 0.90 to 1.06."),
    Ratio("– two threads, the same keys", OLD, "find_lock", "ours_concurrent/threads:2", "old_default/threads:2", 1.0, why="Two threads seldom meet, and then all locks whose waiting threads can sleep cost the same: this has been 0.92 to 1.06. The next row of the table shows the cheapest."),
    Ratio("– two threads, the same keys, that lock", OLD, "find_lock", "least_mutex/threads:2", "old_default/threads:2", why="This is not our lock."),
    Ratio("– eight threads, the same keys", OLD, "find_lock", "ours_concurrent/threads:8", "old_default/threads:8", 1.0),
    Ratio("– its lock, eight threads", "the same with `std::mutex`", "find_lock", "ours_concurrent/threads:8", "std_mutex/threads:8"),
    Ratio("– its lock, two threads, Zipf-distributed keys", "the same with `std::mutex`", "find_lock_zipf", "ours_concurrent/threads:2", "std_mutex/threads:2", 1.0),
    Ratio("– its lock, eight threads, Zipf-distributed keys", "the same with `std::mutex`", "find_lock_zipf", "ours_concurrent/threads:8", "std_mutex/threads:8", 1.0),
    Ratio("– its lock, eight threads, one key", "the same with `std::mutex`", "find_lock", "ours_concurrent/threads:8", "std_mutex/threads:8", 1.0, sizes=(1,)),
    Fact("– its lock, eight threads, one key: hits of the fastest thread", "of the slowest", ["fairness/k12_v8/1/ours_concurrent"], "unfairness", max, lambda n: f"{n:.2f}×", 4, "≤ 4×"),
    Ratio("shared `find`, miss", "`memory_backend`", "find_miss", "ours_concurrent", "ours", why=LOCK),
    Ratio("shared `set` over an entry", HAND, "overwrite", "ours_concurrent", "hand_written", why="Each operation also reads its shard, and all shards together (64 KiB) do not fit into the nearest cache."),
    Ratio("shared `get_many` of 64 keys, each", "64 × `find`", "get_64", "concurrent_get_many", "concurrent_finds", why="It allocates copies of the keys."),
    Ratio("bounded `find`, hit", "unbounded", "bounded_hit", "bounded", "unbounded", 1.15, why="A hit marks the entry as used."),
    Ratio("– compared with LRU", LRU, "bounded_hit", "bounded", "textbook"),
    Ratio("– compared with Poco", POCO_LRU, "bounded_hit", "bounded", "poco_lru"),
    Ratio("– compared with Poco", POCO_EXPIRE, "bounded_hit", "bounded", "poco_expire_lru"),
    Ratio("bounded `set` over an entry", "unbounded", "bounded_overwrite", "bounded", "unbounded", why="A hit marks the entry as used."),
    Ratio("– compared with LRU", LRU, "bounded_overwrite", "bounded", "textbook"),
    Ratio("– compared with Poco", POCO_LRU, "bounded_overwrite", "bounded", "poco_lru"),
    Ratio("– compared with Poco", POCO_EXPIRE, "bounded_overwrite", "bounded", "poco_expire_lru"),
    Ratio("bounded `set` that evicts", "unbounded `set` and `erase`", "bounded_insert", "bounded", "unbounded", why="The policy must find an entry to evict, and remembers its key for a while. The entry that the unbounded cache erases is in the processor’s cache, because it has just been stored."),
    Ratio("– compared with LRU", LRU, "bounded_insert", "bounded", "textbook", 1.1, why=POLICY),
    Ratio("– compared with Poco", POCO_LRU, "bounded_insert", "bounded", "poco_lru", 0.125),
    Ratio("– compared with Poco", POCO_EXPIRE, "bounded_insert", "bounded", "poco_expire_lru", 0.125),
    Ratio("– LRU, compared with Poco", POCO_LRU, "bounded_insert", "textbook", "poco_lru"),
    Ratio("bounded `get_or_set` of ten times as many keys, Zipf-distributed", LRU, "bounded_get_or_set", "bounded", "textbook"),
    Ratio("– compared with Poco", POCO_LRU, "bounded_get_or_set", "bounded", "poco_lru"),
    Ratio("– compared with Poco", POCO_EXPIRE, "bounded_get_or_set", "bounded", "poco_expire_lru"),
    Ratio("– compared with unbounded", "unbounded, which soon has all keys", "bounded_get_or_set", "bounded", "unbounded", why="The unbounded cache soon misses nothing, and so stores nothing."),
    Ratio("shared bounded `find`, hit", LRU, "bounded_hit", "bounded_shared", "textbook"),
    Ratio("shared bounded `set` that evicts", LRU, "bounded_insert", "bounded_shared", "textbook", why=POLICY),
    Ratio("`serialized_backend<int>` `find`, hit", "`memory_backend<int>`", "serialized_find", "serialized", "numbers", shape="k12_v4", why="The number is read from text each time."),
    Ratio("– reading the text by hand", "`memory_backend<string>`, `from_chars`", "serialized_find", "serialized", "by_hand", shape="k12_v4", why="It also checks that all of the text is a number."),
    Ratio("Redis `get`", "hiredis, `GET`", "redis_get", "ours", "raw", 1.05, shape="k12_v100", sizes=(64,), why=ROUND),
    Ratio("Redis `set`, one hour to live", "hiredis, `SET` … `PX`", "redis_set", "ours", "raw", 1.05, shape="k12_v100", sizes=(64,), why=ROUND),
    Ratio("Redis `get_many` of 64 keys", "hiredis, 64 `GET`s at once", "redis_get_64", "ours_get_many", "raw_pipeline", shape="k12_v100", sizes=(64,), why="The answers are kept as pairs of keys and values."),
    Ratio("– one by one", "64 × `get`", "redis_get_64", "ours_get_many", "ours_gets", 0.06, shape="k12_v100", sizes=(64,)),
    Ratio("Redis Cluster `get`", "hiredis, `GET` from the right node", "cluster_get", "ours", "raw", 1.05, shape="k12_v100", sizes=(64,), why=ROUND),
    Ratio("Redis Cluster `get_many` of 64 keys on three nodes", "hiredis, 64 `GET`s at once", "cluster_get_64", "ours_get_many", "raw_pipeline", shape="k12_v100", sizes=(64,), why="The keys are sorted by node, and the answers are kept as pairs of keys and values."),
    Ratio("– one by one", "64 × `get`", "cluster_get_64", "ours_get_many", "ours_gets", 0.06, shape="k12_v100", sizes=(64,), why="Three servers take turns on two cores. hiredis alone takes longer, as the next row of the table shows."),
    Ratio("– hiredis, 64 `GET`s at once", "64 × `get`", "cluster_get_64", "raw_pipeline", "ours_gets", shape="k12_v100", sizes=(64,)),
    Ratio("`find`, hit, never expires, 1,000,000 entries", MAP, "find_hit", "ours_never", "bare", 1.0, sizes=(1_000_000,)),
    Ratio("`purge_expired(1000)`, longest pause", "`purge_expired()`", "purge", "calls_of_1000", "all_at_once", 0.01, sizes=(1_000_000,)),
    Fact("memory of an entry", MAP + " without deadlines", WEIGHED, "node_bytes", lambda pair: pair[0] - pair[1], "{:+g} bytes".format, 8, "≤ +8 bytes"),
    Fact("memory of a bounded entry, including the allocator’s overhead", "unbounded", BOUNDED, "bytes", lambda pair: pair[0] - pair[1], "{:+.1f} bytes".format),
    Fact("– compared with LRU", LRU, [BOUNDED[0], BOUNDED[0].replace("/bounded", "/textbook")], "bytes", lambda pair: pair[0] - pair[1], "{:+.1f} bytes".format, 0, "≤ 0 bytes"),
    Fact("– compared with Poco", POCO_LRU, [BOUNDED[0], BOUNDED[0].replace("/bounded", "/poco_lru")], "bytes", lambda pair: pair[0] - pair[1], "{:+.1f} bytes".format),
    Fact("– compared with Poco", POCO_EXPIRE, [BOUNDED[0], BOUNDED[0].replace("/bounded", "/poco_expire_lru")], "bytes", lambda pair: pair[0] - pair[1], "{:+.1f} bytes".format),
]  # fmt: skip

README = [  # what the README says
    Ratio("`find` of a key that never expires", MAP, "find_hit", "ours_never", "bare"),
    Ratio("`find` with one hour to live", MAP + " without a clock", "find_hit", "ours", "bare"),
    Ratio("`set` over an entry, one hour to live", CLOCK, "overwrite", "ours", "map_and_clock"),
    Ratio("`find` by two threads", HAND, "find_threads", "ours_concurrent/threads:2", "hand_written/threads:2"),
    Ratio("`find` with one hour to live", "`Poco::UniqueExpireCache`", "find_hit", "ours", "poco"),
]


def wanted():
    """The benchmarks that the table and the README show."""
    return {name for row in [*TABLE, *README] for name in row.ours + row.other}


def counted(entries, rows=TABLE, left_out="/threads:"):
    """The benchmarks with that many entries whose instructions or misses the table shows."""
    names = {name for row in rows for name in row.ours + row.other if f"/{entries}/" in name}
    return "^(" + "|".join(sorted(name for name in names if not re.search(left_out, name))) + ")$"


def counted_among_many():
    """Those about which there is a target, or which show why it is missed, if callgrind runs them in bearable time."""
    return counted(100_000, [row for row in TABLE if any(row.limits) or "hash" in row.what], "/threads:|/poco|^(insert|get_64|async|.*memory)/|serialized")
