#include "lanes_avx2.hpp"

// After the lanes that it is written in.
#include "kernels.hpp"

namespace paralogit::model {

const KernelTable& avx2_kernels() {
    return table;
}

}  // namespace paralogit::model
