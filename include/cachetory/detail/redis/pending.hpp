// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_PENDING_HPP
#define CACHETORY_DETAIL_REDIS_PENDING_HPP

#include "../../backend.hpp"

#include <optional>
#include <stdexcept>

namespace cachetory {

template <class Wire>
struct expiring {
    Wire value;
    std::optional<ttl> time_to_live = {};
};

class [[gnu::visibility("default")]] backend_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace cachetory

#endif
