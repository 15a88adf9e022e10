#include <gtest/gtest.h>

#include "paralogit/comm/communicator.hpp"

// Not a test of the project but of mpi_main.cpp: a failure on one rank must not leave the others
// waiting.
TEST(OneRank, FailsBeforeTheOthersMeet) {
    const auto comm = paralogit::comm::Communicator::world();
    ASSERT_EQ(comm.rank(), 0);
    comm.barrier();
}
