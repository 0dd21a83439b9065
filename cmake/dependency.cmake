# SPDX-License-Identifier: MIT
include(FetchContent)

# fetch_pinned(Name URL <url> SHA256 <hash> APT <package> DNF <package> BREW <package> VCPKG <port>)
# builds what find_package(Name) has not found from a pinned archive. If that cannot be downloaded,
# it says at once what to install; FetchContent alone would retry for over a minute.
function(fetch_pinned name)
  cmake_parse_arguments(PARSE_ARGV 1 pinned "" "URL;SHA256;APT;DNF;BREW;VCPKG" "")
  set(archive ${CMAKE_BINARY_DIR}/_deps/${name}.tar.gz)
  if(NOT EXISTS ${archive})
    file(DOWNLOAD ${pinned_URL} ${archive}.part TIMEOUT 60 STATUS status)
    list(POP_FRONT status failed reason)
    if(failed)
      file(REMOVE ${archive}.part)
      message(
        FATAL_ERROR
          "${name} is not installed, and cannot be downloaded (${reason}). Install it:\n"
          "  Debian, Ubuntu   apt install ${pinned_APT}\n"
          "  Fedora           dnf install ${pinned_DNF}\n"
          "  macOS, Homebrew  brew install ${pinned_BREW}\n"
          "  vcpkg            vcpkg install ${pinned_VCPKG}\n"
          "or do without it: each CACHETORY_BUILD_... option can be OFF.")
    endif()
    file(RENAME ${archive}.part ${archive})
  endif()
  set(CMAKE_CXX_STANDARD 20) # as in our own code; otherwise Catch2 would build an older interface than we call
  FetchContent_Declare(${name} SYSTEM URL ${archive} URL_HASH SHA256=${pinned_SHA256}
                       DOWNLOAD_EXTRACT_TIMESTAMP TRUE)
  FetchContent_MakeAvailable(${name})
endfunction()
