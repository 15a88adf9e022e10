// Time in the simulated cluster, linked into paralogit_simulated alone. The linker sends two
// functions here (see CMakeLists.txt): the clock, which is the simulation's, so that summary, trace
// and metrics are in seconds of the cluster; and the gradient sums of a block, which are computed
// and then take as long as is asked for, since the machine that simulates is no measure.

#include <simgrid/engine.h>
#include <smpi/smpi.h>

#include <chrono>
#include <cstdlib>

#include "paralogit/model/block_kernel.hpp"

namespace {

using paralogit::model::BlockSums;
using Nanoseconds = std::chrono::steady_clock::duration;

double seconds_per_row() {
    const char* const text = std::getenv("PARALOGIT_SIMULATED_SECONDS_PER_ROW");
    return text == nullptr ? 0 : std::strtod(text, nullptr);
}

}  // namespace

std::chrono::steady_clock::time_point simulated_now() noexcept
    __asm__("__wrap__ZNSt6chrono3_V212steady_clock3nowEv");

std::chrono::steady_clock::time_point simulated_now() noexcept {
    return std::chrono::steady_clock::time_point(std::chrono::duration_cast<Nanoseconds>(
        std::chrono::duration<double>(simgrid_get_clock())));
}

#define EVALUATE_BLOCK                                                                    \
    "_ZN9paralogit5model14evaluate_blockERKNS0_5BlockESt4spanIKdLm18446744073709551615EE" \
    "dRNS0_9BlockSumsENS0_3IsaERKNS0_4LossE"

void really_evaluate_block(const paralogit::model::Block& block,
                           std::span<const double> coefficients, double intercept, BlockSums& sums,
                           paralogit::model::Isa isa,
                           const paralogit::model::Loss& loss) __asm__("__real_" EVALUATE_BLOCK);

void evaluate_block_in_time(const paralogit::model::Block& block,
                            std::span<const double> coefficients, double intercept, BlockSums& sums,
                            paralogit::model::Isa isa,
                            const paralogit::model::Loss& loss) __asm__("__wrap_" EVALUATE_BLOCK);

void evaluate_block_in_time(const paralogit::model::Block& block,
                            std::span<const double> coefficients, double intercept, BlockSums& sums,
                            paralogit::model::Isa isa, const paralogit::model::Loss& loss) {
    really_evaluate_block(block, coefficients, intercept, sums, isa, loss);
    static const double seconds = seconds_per_row();
    smpi_execute(seconds * static_cast<double>(block.rows));
}
