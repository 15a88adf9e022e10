#include "lanes_avx512.hpp"

// After the lanes that it is written in.
#include "kernels.hpp"

namespace paralogit::model {

const KernelTable& avx512_kernels() {
    return table;
}

}  // namespace paralogit::model
