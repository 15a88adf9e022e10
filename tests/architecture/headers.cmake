cmake_minimum_required(VERSION 3.25)
# Every public header compiles on its own, and brings no other package than Eigen with it.
#   cmake -DROOT=<project> -DCXX=<compiler> -DEIGEN=<folder> [-DEXPECT_VIOLATIONS=ON]
#         -P headers.cmake
# The build itself has shown that of a header that a source of the product includes before anything
# else, as it is made without precompiled headers; the others are compiled here.

file(GLOB_RECURSE sources ${ROOT}/src/*.cpp)
# Not all of these are built on every machine.
list(FILTER sources EXCLUDE REGEX "/isa/")
set(shown "")
foreach(source IN LISTS sources)
    file(STRINGS ${source} first REGEX "^[ \t]*#" LIMIT_COUNT 1)
    if(first MATCHES "^#include \"(paralogit/[^\"]+)\"$")
        list(APPEND shown ${CMAKE_MATCH_1})
    endif()
endforeach()

file(GLOB_RECURSE headers RELATIVE ${ROOT}/include ${ROOT}/include/*.hpp)
list(FILTER headers EXCLUDE REGEX "^paralogit/app/")
set(faults "")
set(compiled 0)
foreach(header IN LISTS headers)
    file(STRINGS ${ROOT}/include/${header} includes REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS includes)
        if(NOT line MATCHES "^#include (\"paralogit/[a-z0-9_/]+\\.hpp\"|<[a-z_]+>|<Eigen/Core>)$")
            list(APPEND faults "${header}: ${line}")
        endif()
    endforeach()
    if(NOT header IN_LIST shown)
        math(EXPR compiled "${compiled} + 1")
        execute_process(
            COMMAND ${CXX} -std=c++20 -fsyntax-only -I${ROOT}/include -isystem ${EIGEN} -x c++
                    -include ${ROOT}/include/${header} /dev/null
            RESULT_VARIABLE result ERROR_VARIABLE said)
        if(result)
            list(APPEND faults "${header}: does not compile on its own\n${said}")
        endif()
    endif()
endforeach()

list(LENGTH headers count)
list(JOIN faults "\n  " text)
if(count EQUAL 0)
    message(FATAL_ERROR "no headers under ${ROOT}/include")
elseif(EXPECT_VIOLATIONS)
    if(NOT text MATCHES "alone.hpp: does not compile.*up.hpp: #include <mpi.h>")
        message(FATAL_ERROR "not found:\n  ${text}")
    endif()
elseif(faults)
    message(FATAL_ERROR "public headers that ask more of a user than Eigen:\n  ${text}")
endif()
message(STATUS "${count} headers, ${compiled} compiled here, the others first in a source")
