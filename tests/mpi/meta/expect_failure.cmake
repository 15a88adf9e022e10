cmake_minimum_required(VERSION 3.25)
# Runs COMMAND (a list) and expects that it ends by itself, with a failure that names EXPECTED.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE code OUTPUT_VARIABLE output
                ERROR_VARIABLE output TIMEOUT 30)
if(NOT code MATCHES "^[1-9][0-9]*$")
    message(FATAL_ERROR "expected an exit code other than 0 within 30 seconds, got: ${code}\n${output}")
endif()
if(NOT output MATCHES "${EXPECTED}")
    message(FATAL_ERROR "expected '${EXPECTED}' in:\n${output}")
endif()
message(STATUS "ended with exit code ${code}")
