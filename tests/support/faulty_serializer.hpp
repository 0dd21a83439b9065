// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_FAULTY_SERIALIZER_HPP
#define CACHETORY_TESTS_SUPPORT_FAULTY_SERIALIZER_HPP

#include <cachetory/serialized_backend.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace support {

/// A serializer of int that a test can make fail.
struct faulty_serializer {
    struct error : std::runtime_error {
        error() : std::runtime_error("the serializer failed") {}
    };

    /// Call this first in a test. Nothing fails afterwards.
    static void reset() {
        unreadable = std::nullopt;
        writing_fails = std::nullopt;
        reading_fails = false;
    }

    static std::string serialize(int value) {
        if (value == writing_fails) {
            throw error();
        }
        return std::to_string(value);
    }

    static std::optional<int> deserialize(std::string_view bytes) {
        if (reading_fails) {
            throw error();
        }
        const std::optional<int> value = cachetory::serializer<int>::deserialize(bytes);
        return value == unreadable ? std::nullopt : value;
    }

    static inline std::optional<int> unreadable;    ///< The bytes of this value cannot be read.
    static inline std::optional<int> writing_fails; ///< `serialize` throws for this value.
    static inline bool reading_fails = false;       ///< `deserialize` throws.
};

} // namespace support

#endif
