# SPDX-License-Identifier: MIT
# The target cachetory_hiredis, if hiredis is installed. Found without its own package, which not every system has.
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h)
find_library(HIREDIS_LIBRARY hiredis)
if(HIREDIS_INCLUDE_DIR AND HIREDIS_LIBRARY AND NOT TARGET cachetory_hiredis)
  add_library(cachetory_hiredis INTERFACE IMPORTED GLOBAL)
  target_include_directories(cachetory_hiredis INTERFACE ${HIREDIS_INCLUDE_DIR})
  target_link_libraries(cachetory_hiredis INTERFACE ${HIREDIS_LIBRARY})
endif()
