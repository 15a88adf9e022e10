#pragma once

// The C interface of MPI. Open MPI and MPICH add their C++ classes, which left the standard in
// 2012, to C++ programs unless these names are defined; using <mpi.h> through this header alone
// spares every build the libraries behind them.
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>
