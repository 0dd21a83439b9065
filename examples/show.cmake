# SPDX-License-Identifier: MIT
# Runs PROGRAM with ARGUMENTS below the heading NAME. What it prints to standard error is shown only
# if it fails.
execute_process(COMMAND ${CMAKE_COMMAND} -E echo "\n=== ${NAME}")
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} RESULT_VARIABLE status ERROR_VARIABLE errors)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "exit status ${status}\n${errors}")
endif()
