# Builds the fuzz targets with CXX in WORK_DIR and runs TARGET for SECONDS, from its corpus on.
cmake_minimum_required(VERSION 3.25)
foreach(command
        "${CMAKE_COMMAND};-S;${SOURCE_DIR};-B;${WORK_DIR};-G;${GENERATOR};-DCMAKE_CXX_COMPILER=${CXX}"
        "${CMAKE_COMMAND};--build;${WORK_DIR};--target;fuzz_${TARGET}")
    execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# What is found new goes into a folder of its own.
file(REMOVE_RECURSE ${WORK_DIR}/new-${TARGET})
file(MAKE_DIRECTORY ${WORK_DIR}/new-${TARGET})
execute_process(
    COMMAND
        ${WORK_DIR}/fuzz_${TARGET} -max_total_time=${SECONDS} -timeout=20 -rss_limit_mb=2048
        -print_final_stats=1 -artifact_prefix=${WORK_DIR}/ ${WORK_DIR}/new-${TARGET}
        ${SOURCE_DIR}/corpus/${TARGET} COMMAND_ERROR_IS_FATAL ANY)
