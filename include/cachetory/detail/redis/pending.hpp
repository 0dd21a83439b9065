// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_PENDING_HPP
#define CACHETORY_DETAIL_REDIS_PENDING_HPP

#include "../../backend.hpp"

#include <optional>

namespace cachetory {

template <class Wire>
struct expiring {
    Wire value;
    std::optional<ttl> time_to_live = {};
};

} // namespace cachetory

#endif
