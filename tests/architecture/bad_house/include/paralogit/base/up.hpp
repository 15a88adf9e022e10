#pragma once
// Not built: floors.cmake must find the three faults of this house, headers.cmake <mpi.h>.
#include <mpi.h>

#include "paralogit/model/down.hpp"
