#include "kernel_table.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::model {

bool is_supported(Isa isa) {
    return isa == Isa::portable;
}

const KernelTable& kernels_for(Isa /*isa*/) {
    return portable_kernels();
}

}  // namespace paralogit::model
