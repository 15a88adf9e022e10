#pragma once

#include <filesystem>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/synthetic.hpp"

namespace paralogit::train {

/// Writes a synthetic data set, contiguous: /X [n x d], or the group of sparse rows (CSR) that
/// AnnData has when the options tell a density, and /y [n]. Every rank makes its own rows; the file
/// has the same bytes for any number of ranks. @collective
void generate(const comm::Communicator& comm, const data::SyntheticOptions& options,
              const std::filesystem::path& out, bool may_replace);

}  // namespace paralogit::train
