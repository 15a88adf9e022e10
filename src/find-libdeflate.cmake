# The target libdeflate::libdeflate: Debian's package has no CMake config before version 13.
if(NOT TARGET libdeflate::libdeflate)
    find_package(libdeflate QUIET CONFIG)
    if(TARGET libdeflate::libdeflate_shared)
        add_library(libdeflate::libdeflate INTERFACE IMPORTED)
        target_link_libraries(libdeflate::libdeflate INTERFACE libdeflate::libdeflate_shared)
    else()
        find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h REQUIRED)
        find_library(LIBDEFLATE_LIBRARY deflate REQUIRED)
        mark_as_advanced(LIBDEFLATE_INCLUDE_DIR LIBDEFLATE_LIBRARY)
        add_library(libdeflate::libdeflate UNKNOWN IMPORTED)
        set_target_properties(
            libdeflate::libdeflate
            PROPERTIES IMPORTED_LOCATION "${LIBDEFLATE_LIBRARY}"
                       INTERFACE_INCLUDE_DIRECTORIES "${LIBDEFLATE_INCLUDE_DIR}")
    endif()
endif()
