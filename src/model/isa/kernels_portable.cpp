#include "lanes_portable.hpp"

// After the lanes that it is written in.
#include "kernels.hpp"

namespace paralogit::model {

const KernelTable& portable_kernels() {
    return table;
}

}  // namespace paralogit::model
