#pragma once

#include "paralogit/data/manifest.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::train {

/// How fast this machine goes through the rows of a data set.
struct PassSpeed {
    double seconds_per_row = 0;  ///< with all threads at work
    Index rows = 0;              ///< that were gone through
    int passes = 0;
    int threads = 1;  ///< that these rows were worth
};

/// The shortest of some passes, for whatever else runs on a login node only makes them longer, over
/// the first dense rows, at most some 256 MB of them, with labels made up. The exact sums over
/// blocks, up to a thirtieth of a pass, are left out. Takes about half a second, and the reading of
/// the rows. Throws Error (input_data). Not collective.
PassSpeed measure_pass(const data::Manifest& manifest, int most_threads,
                       model::Isa isa = model::best_isa());

}  // namespace paralogit::train
