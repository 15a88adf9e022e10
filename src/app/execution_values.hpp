#pragma once

#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/execution.hpp"

namespace paralogit::app {

/// What the options say of threads, memory and instructions; warnings are printed. @collective
inline train::Execution execution_of(const Context& context, const Options& options) {
    const train::ExecutionRequest request = comm::together(context.comm, [&] {
        constexpr Index most_threads = 4096;
        constexpr std::string_view choices[] = {"auto", "portable", "avx2", "avx512"};
        train::ExecutionRequest read;
        if (options.text("threads") != "auto") {
            read.threads = static_cast<int>(options.integer("threads", 1, most_threads));
        }
        if (options.text("memory-limit") != "auto") {
            read.memory_limit = options.bytes("memory-limit");
        }
        const std::string isa = options.choice("isa", choices);
        for (const model::Isa each : {model::Isa::portable, model::Isa::avx2, model::Isa::avx512}) {
            if (isa == name_of(each)) {
                read.isa = each;
            }
        }
        return read;
    });
    const train::ExecutionChoice choice = train::choose_execution(context.comm, request);
    for (const std::string& warning : choice.warnings) {
        context.console.warning(warning);
    }
    return choice.execution;
}

}  // namespace paralogit::app
