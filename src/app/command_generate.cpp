#include <fmt/format.h>

#include <limits>

#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/generate.hpp"

namespace paralogit::app {

ExitCode run_generate(const Context& context, const Options& options) {
    constexpr Index largest = std::numeric_limits<Index>::max();
    const auto synthetic = comm::together(context.comm, [&] {
        data::SyntheticOptions values;
        values.rows = options.integer("rows", 1, largest);
        values.features = options.integer("features", 1, largest);
        values.correlation = options.number("correlation", {0.0, 1.0});
        values.scale_decades = options.number("scale-decades", {0.0, 30.0});
        values.noise = options.number("noise", {0.0, 1000.0});
        if (options.has("density")) {
            values.density = options.number(
                "density", {.lowest = 0.0, .highest = 1.0, .is_lowest_allowed = false});
        }
        values.type = element_type_from_name(options.text("type"));
        values.seed = static_cast<std::uint64_t>(options.integer("seed", 0, largest));
        return values;
    });
    const std::string out = options.text("out");
    train::generate(context.comm, synthetic, out, options.is_set("overwrite"));
    context.console.result(
        fmt::format("{}: {} rows x {} features, {}{}", out, synthetic.rows, synthetic.features,
                    synthetic.density ? "sparse rows of " : "", name_of(synthetic.type)));
    return ExitCode::done;
}

}  // namespace paralogit::app
