// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_OPEN_HPP
#define CACHETORY_DETAIL_REDIS_OPEN_HPP

#include "../../version.hpp"
#include "cluster.hpp"
#include "connection.hpp"
#include "options.hpp"
#include "sentinels.hpp"
#include "transport.hpp"

#include <memory>
#include <utility>

namespace cachetory::detail::redis {

/// Returns the transport that `given` describes. Connects to nothing yet. Throws
/// `std::invalid_argument` if the options are out of range or contradict each other.
inline std::shared_ptr<transport> open(redis_options given) {
    redis_options options = checked(std::move(given));
    if (!options.cluster.empty()) {
        return std::make_shared<cluster>(std::move(options));
    }
    if (!options.sentinels.empty()) {
        const auto asked = std::make_shared<sentinels>(std::move(options));
        return std::make_shared<single_server>([asked] { return asked->connect(); });
    }
    return std::make_shared<single_server>([options = std::move(options)] {
        return connection({options.host, options.port}, options);
    });
}

} // namespace cachetory::detail::redis

#endif
