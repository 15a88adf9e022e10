#include "kernel_table.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::model {

bool is_supported(Isa isa) {
    switch (isa) {
        case Isa::portable:
            return true;
        case Isa::avx2:
            // Whatever has AVX2 has the conversions of binary16, F16C, which came before it.
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case Isa::avx512:
            return is_supported(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl");
    }
    return false;
}

const KernelTable& kernels_for(Isa isa) {
    switch (isa) {
        case Isa::avx512:
            return avx512_kernels();
        case Isa::avx2:
            return avx2_kernels();
        case Isa::portable:
            break;
    }
    return portable_kernels();
}

}  // namespace paralogit::model
