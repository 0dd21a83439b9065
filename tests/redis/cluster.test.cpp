// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>
