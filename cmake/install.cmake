# SPDX-License-Identifier: MIT
# Installs the headers, and what find_package and pkg-config read.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(cachetory_version_file ${PROJECT_BINARY_DIR}/cachetoryConfigVersion.cmake)
write_basic_package_version_file(${cachetory_version_file} COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(TARGETS cachetory EXPORT cachetory FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  EXPORT cachetory
  FILE cachetoryConfig.cmake
  NAMESPACE cachetory::
  DESTINATION ${CMAKE_INSTALL_DATADIR}/cmake/cachetory)
install(FILES ${cachetory_version_file} DESTINATION ${CMAKE_INSTALL_DATADIR}/cmake/cachetory)

# The build folder is also a package: a parent project that exports from its build folder needs
# that.
export(EXPORT cachetory FILE ${PROJECT_BINARY_DIR}/cachetoryConfig.cmake NAMESPACE cachetory::)

# The prefix is not known before the installation. A folder that every compiler searches is written
# as an absolute path, because only then pkg-config leaves it out. Any other path is relative, so
# that the prefix may be moved.
install(
  CODE "
  set(includedir \"${CMAKE_INSTALL_INCLUDEDIR}\")
  set(pcdir \"${CMAKE_INSTALL_DATADIR}/pkgconfig\")
  cmake_path(ABSOLUTE_PATH includedir BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\" NORMALIZE)
  cmake_path(ABSOLUTE_PATH pcdir BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\" NORMALIZE)
  if(NOT includedir MATCHES \"^/usr/(local/)?include$\")
    file(RELATIVE_PATH includedir \"\${pcdir}\" \"\${includedir}\")
    string(PREPEND includedir \"\\\${pcfiledir}/\")
  endif()
  set(PROJECT_NAME \"${PROJECT_NAME}\")
  set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  configure_file(\"${PROJECT_SOURCE_DIR}/cmake/cachetory.pc.in\" \"${PROJECT_BINARY_DIR}/cachetory.pc\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/cachetory.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
