# SPDX-License-Identifier: MIT
# Runs RUN, a list of a program and its arguments. Fails unless the program exits with STATUS and
# its output matches the regular expression OUTPUT. PASS_REGULAR_EXPRESSION alone would ignore the
# exit status.
execute_process(COMMAND ${RUN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status STREQUAL STATUS OR NOT output MATCHES "${OUTPUT}")
  message(FATAL_ERROR "exit status ${status}, expected ${STATUS}; expected ${OUTPUT} in:\n${output}")
endif()
