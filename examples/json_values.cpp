// SPDX-License-Identifier: MIT
//
// Values of the program's own types in a cache of strings, written as JSON by nlohmann/json. Here
// the strings are in memory; on a server, other programs could read them.
#include <cachetory/memory_backend.hpp>
#include <cachetory/serialized_backend.hpp>
#include <fmt/core.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

struct profile {
    std::string name;
    int visits;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(profile, name, visits)

/// Serves every type that nlohmann/json can convert. Bytes that are not JSON, or not the JSON of a
/// `Value`, count as absent.
template <class Value>
struct as_json {
    static std::string serialize(const Value& value) { return nlohmann::json(value).dump(); }

    static std::optional<Value> deserialize(std::string_view bytes) try {
        return nlohmann::json::parse(bytes).get<Value>();
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
};

} // namespace

int main() {
    cachetory::memory_backend<std::string> strings;
    strings.set("user:1", R"({"name": "Ada", "visits": 41})"); // as another program might
    strings.set("user:2", R"(["Ben", 7])");                    // as an older version did

    cachetory::serialized_backend<profile, decltype(strings), as_json<profile>> users(
        std::move(strings));
    for (const char* key : {"user:1", "user:2"}) {
        profile user = users.get_or_set(key, [] { return profile{"newcomer", 0}; });
        ++user.visits;
        users.set(key, user);
    }
    for (const auto& [key, user] : users.get_many({"user:1", "user:2"})) {
        fmt::print("{}: {}, {} visits\n", key, user.name, user.visits);
    }
}
