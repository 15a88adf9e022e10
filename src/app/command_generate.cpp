#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <string_view>

#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/generate.hpp"

namespace paralogit::app {

namespace {

/// A file that is named after another format would be taken for one.
void check_name(const std::filesystem::path& out) {
    constexpr std::array<std::string_view, 13> others{".csv",  ".tsv", ".txt",    ".svm", ".libsvm",
                                                      ".gz",   ".zst", ".bz2",    ".xz",  ".zip",
                                                      ".json", ".npy", ".parquet"};
    const std::string ending = out.extension().string();
    if (std::ranges::find(others, ending) != others.end()) {
        throw Error(ExitCode::usage,
                    fmt::format("{}: generate writes HDF5, which is not what {} stands for; give "
                                "a name such as {}",
                                out.string(), ending,
                                std::filesystem::path(out).replace_extension(".h5").string()));
    }
}

}  // namespace

ExitCode run_generate(const Context& context, const Options& options) {
    constexpr Index largest = std::numeric_limits<Index>::max();
    const std::string out = options.text("out");
    const auto synthetic = comm::together(context.comm, [&] {
        check_name(out);
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
    train::generate(context.comm, synthetic, out, options.is_set("overwrite"));
    context.console.result(
        fmt::format("{}: {} rows x {} features, {}{}", out, synthetic.rows, synthetic.features,
                    synthetic.density ? "sparse rows of " : "", name_of(synthetic.type)));
    return ExitCode::done;
}

}  // namespace paralogit::app
