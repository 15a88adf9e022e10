cmake_minimum_required(VERSION 3.25)
# A floor of the house may include only from lower floors, and the headers of MPI, HDF5, OpenMP and
# the other packages only where the list below allows them.
#   cmake -DROOT=<project> [-DEXPECT_VIOLATIONS=ON] -P floors.cmake
# Finding no source file at all is a failure, and so is, with EXPECT_VIOLATIONS, finding no fault.

set(allowed_base base)
set(allowed_model model base)
set(allowed_optim optim base)
set(allowed_comm comm base)
set(allowed_h5 h5 base)
set(allowed_data data base model h5)
set(allowed_train train base model optim comm h5 data)
set(allowed_app app train data h5 comm optim model base)
set(floors base model optim comm h5 data train app)

# "<regular expression of the header>|<floors that may include it>"
set(packages "mpi\\.h|comm" "hdf5\\.h|h5" "H5.*|h5" "libdeflate\\.h|h5"
             "zlib\\.h|data" "zstd\\.h|data" "fast_float/.*|data" "openssl/.*|base" "boost/.*|app"
             "nlohmann/.*|train app")

set(files 0)
set(violations "")
foreach(floor IN LISTS floors)
    file(GLOB_RECURSE sources ${ROOT}/include/paralogit/${floor}/*.hpp ${ROOT}/src/${floor}/*.cpp
         ${ROOT}/src/${floor}/*.hpp)
    foreach(source IN LISTS sources)
        math(EXPR files "${files} + 1")
        file(STRINGS ${source} includes REGEX "^[ \t]*#[ \t]*include")
        foreach(line IN LISTS includes)
            if(line MATCHES "\"paralogit/([a-z0-9]+)/")
                if(NOT CMAKE_MATCH_1 IN_LIST allowed_${floor})
                    list(APPEND violations "${source}: floor ${floor} includes ${CMAKE_MATCH_1}")
                endif()
            elseif(line MATCHES "[<\"]([^>\"]+)[>\"]")
                set(header ${CMAKE_MATCH_1})
                foreach(package IN LISTS packages)
                    string(REPLACE "|" ";" package ${package})
                    list(GET package 0 pattern)
                    list(GET package 1 rooms)
                    string(REPLACE " " ";" rooms ${rooms})
                    if(header MATCHES "^${pattern}$" AND NOT floor IN_LIST rooms)
                        list(APPEND violations "${source}: floor ${floor} includes <${header}>")
                    endif()
                endforeach()
            endif()
        endforeach()
    endforeach()
endforeach()

list(JOIN violations "\n  " text)
list(LENGTH violations count)
if(files EQUAL 0)
    message(FATAL_ERROR "no source files under ${ROOT}")
elseif(EXPECT_VIOLATIONS)
    if(NOT count EQUAL 3)
        message(FATAL_ERROR "expected 3 violations, found ${count}:\n  ${text}")
    endif()
elseif(count GREATER 0)
    message(FATAL_ERROR "includes that go up the house:\n  ${text}")
endif()
message(STATUS "${files} files, ${count} violations")
