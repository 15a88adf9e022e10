// How fast one pass over the data is, against what the memory can deliver. Not a test: figures
// depend on the machine and on what else runs there.
//
//   cmake --build --preset release --target bench_kernel
//   build/release/tests/bench_kernel [MEGABYTES [ISA | TYPE | FEATURES]...]
//
// For every stored type and several numbers of features, or those named, with 1 and 2 threads: the
// gradient pass over that many megabytes (512 unless told otherwise, far more than the caches
// hold), and two mere readings of the same bytes, in turn, by the same threads in the same parts
// of the same memory, which is laid out as a shard's is: `plain` is the loop that anybody would
// write, a sum of 64-bit words, as the compiler makes it for the instruction set; `best` is the
// fastest that was found, the widest loads with requests for what lies 8 KiB ahead, or the same
// without the requests where that is faster. Medians of fifteen turns; each share is the median
// of the turns' own, since the machine's bandwidth may change meanwhile. At the end what the exact
// sums add to a pass.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"

namespace {

using namespace paralogit;

constexpr int turns = 15;

double seconds_of(const std::function<void()>& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// The median of what each turn gives.
double median_ratio(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> ratios;
    for (std::size_t turn = 0; turn < a.size(); ++turn) {
        ratios.push_back(a[turn] / b[turn]);
    }
    return median(ratios);
}

/// Memory for features, as a shard has it.
class Bytes {
  public:
    explicit Bytes(std::size_t size) : bytes_(narrow<Index>(size)) {}

    /// Repeats `elements`, small numbers of a type, all over.
    void fill(const std::vector<std::byte>& elements) {
        for (std::size_t at = 0; at < size(); at += elements.size()) {
            std::memcpy(bytes_.data() + at, elements.data(),
                        std::min(elements.size(), size() - at));
        }
    }

    std::size_t size() const { return static_cast<std::size_t>(bytes_.size()); }
    const std::byte* data() const { return bytes_.data(); }

  private:
    Buffer bytes_;
};

/// Bytes that a reading takes at once.
constexpr Index piece = 512;

/// Reads whole pieces, as fast as the machine's widest loads can, and asks for what lies `ahead`
/// bytes further, or for nothing when that is 0.
template <Index ahead>
inline std::uint64_t read_pieces(const std::byte* bytes, Index size) {
    constexpr Index line = 64;
    std::uint64_t sums[piece / 8] = {};
    for (Index at = 0; at + piece <= size; at += piece) {
        for (Index l = 0; ahead > 0 && l < piece; l += line) {
            __builtin_prefetch(bytes + at + ahead + l);
        }
        std::uint64_t words[piece / 8];
        std::memcpy(words, bytes + at, piece);
        for (Index w = 0; w < piece / 8; ++w) {
            sums[w] ^= words[w];
        }
    }
    std::uint64_t all = 0;
    for (const std::uint64_t sum : sums) {
        all ^= sum;
    }
    return all;
}

#if defined(__x86_64__)
#define FOR_EACH_ISA __attribute__((target_clones("avx512f", "avx2", "default"), flatten))
#else
#define FOR_EACH_ISA
#endif
FOR_EACH_ISA std::uint64_t read_plainly(const std::byte* bytes, Index size) {
    std::uint64_t sum = 0;
    for (Index at = 0; at < size; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        sum += word;
    }
    return sum;
}
FOR_EACH_ISA std::uint64_t read_widely(const std::byte* bytes, Index size) {
    return read_pieces<0>(bytes, size);
}
FOR_EACH_ISA std::uint64_t read_asking(const std::byte* bytes, Index size) {
    return read_pieces<8192>(bytes, size);
}

using Reading = std::uint64_t (*)(const std::byte* bytes, Index size);

double seconds_of_reading(const Bytes& bytes, int threads, Reading read) {
    std::vector<std::uint64_t> results(static_cast<std::size_t>(threads));
    const double seconds = seconds_of([&] {
        run_threads(threads, [&](int thread) {
            const Range part =
                part_of({.first = 0, .end = narrow<Index>(bytes.size()) / piece}, thread, threads);
            results[static_cast<std::size_t>(thread)] =
                read(bytes.data() + part.first * piece, part.size() * piece);
        });
    });
    volatile std::uint64_t sink = results.front();
    static_cast<void>(sink);
    return seconds;
}

/// Some small numbers of a type, none a power of two apart.
std::vector<std::byte> elements_of(ElementType type) {
    std::vector<std::byte> bytes;
    const auto put = [&](auto value) {
        std::byte raw[sizeof value];
        std::memcpy(raw, &value, sizeof value);
        bytes.insert(bytes.end(), std::begin(raw), std::end(raw));
    };
    for (int i = 0; i < 4093; ++i) {
        const int small = i * 37 % 101;
        switch (type) {
            case ElementType::float64:
                put(small / 101.0 - 0.5);
                break;
            case ElementType::float32:
                put(static_cast<float>(small) / 101.0F - 0.5F);
                break;
            case ElementType::float16:
                put(static_cast<std::uint16_t>(0x3000 + 8 * small));
                break;
            case ElementType::int8:
            case ElementType::uint8:
                put(static_cast<std::uint8_t>(small));
                break;
            case ElementType::int16:
            case ElementType::uint16:
                put(static_cast<std::uint16_t>(small));
                break;
            case ElementType::int32:
            case ElementType::uint32:
                put(static_cast<std::uint32_t>(small));
                break;
            default:
                put(static_cast<std::uint64_t>(small));
        }
    }
    return bytes;
}

struct Pass {
    ElementType type;
    Index features;
    int threads;
    model::Isa isa;
    bool has_exact_sums;

    void run(const Bytes& bytes, Index rows, const std::vector<std::uint8_t>& labels) const {
        constexpr Index rows_per_block = 1024;
        const Index blocks = (rows + rows_per_block - 1) / rows_per_block;
        const std::vector<double> coefficients(static_cast<std::size_t>(features), 1e-3);
        run_threads(threads, [&](int thread) {
            const Range part = part_of({.first = 0, .end = blocks}, thread, threads);
            model::BlockSums sums;
            model::ExactSums exact(std::vector<std::int32_t>(coefficients.size(), 40), blocks, isa);
            Vector plain = Vector::Zero(features);
            for (Index k = part.first; k < part.end; ++k) {
                const Index first = k * rows_per_block;
                const Index count = std::min(rows_per_block, rows - first);
                const auto at = static_cast<std::size_t>(first);
                model::evaluate_block(
                    {.type = type,
                     .values =
                         bytes.data() + at * static_cast<std::size_t>(features) * size_of(type),
                     .rows = count,
                     .features = features,
                     .labels = std::span(labels).subspan(at, static_cast<std::size_t>(count)),
                     .row_weights = {},
                     .first_global_row = first},
                    coefficients, 0.1, sums, isa);
                if (has_exact_sums) {
                    const bool is_within =
                        exact.add(0, {sums.slopes_times_features.data(), coefficients.size()});
                    if (!is_within) {
                        fmt::print("a sum exceeds its bound\n");
                    }
                } else {
                    plain += sums.slopes_times_features;
                }
            }
        });
    }
};

void print_pass(const Pass& pass, const Bytes& bytes, const std::vector<std::uint8_t>& labels) {
    const Index row_bytes = pass.features * static_cast<Index>(size_of(pass.type));
    const Index rows = static_cast<Index>(bytes.size()) / row_bytes;
    std::vector<double> plain_reading;
    std::vector<double> wide_reading;
    std::vector<double> asking_reading;
    std::vector<double> exact;
    std::vector<double> plain;
    Pass without = pass;
    without.has_exact_sums = false;
    for (int turn = 0; turn < turns; ++turn) {
        plain_reading.push_back(seconds_of_reading(bytes, pass.threads, read_plainly));
        wide_reading.push_back(seconds_of_reading(bytes, pass.threads, read_widely));
        asking_reading.push_back(seconds_of_reading(bytes, pass.threads, read_asking));
        exact.push_back(seconds_of([&] { pass.run(bytes, rows, labels); }));
        plain.push_back(seconds_of([&] { without.run(bytes, rows, labels); }));
    }
    const std::vector<double>& best_reading =
        median(wide_reading) < median(asking_reading) ? wide_reading : asking_reading;
    const auto size = static_cast<double>(bytes.size());
    fmt::print(
        "{:<9}{:<9}{:>6}{:>9}{:>11.1f}{:>10.1f}{:>11.1f}{:>12.1f}{:>8.0f} %{:>7.0f} %{:>11.1f} %\n",
        name_of(pass.isa), name_of(pass.type), pass.features, pass.threads,
        size / median(plain_reading) / 1e9, size / median(best_reading) / 1e9,
        size / median(exact) / 1e9, static_cast<double>(rows) / median(exact) / 1e6,
        100 * median_ratio(plain_reading, exact), 100 * median_ratio(best_reading, exact),
        100 * (median_ratio(exact, plain) - 1));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    using enum ElementType;
    const std::size_t megabytes = argc > 1 ? std::stoul(argv[1]) : 512;
    const std::vector<std::string> wanted(argv + std::min(argc, 2), argv + argc);
    const auto is_named = [&](std::string_view name) {
        return std::ranges::find(wanted, name) != wanted.end();
    };
    std::vector<model::Isa> variants;
    for (const model::Isa isa : {model::Isa::portable, model::Isa::avx2, model::Isa::avx512}) {
        if (is_named(name_of(isa)) && model::is_supported(isa)) {
            variants.push_back(isa);
        }
    }
    if (variants.empty()) {
        variants.push_back(model::best_isa());
    }
    std::vector<ElementType> types;
    for (const ElementType type : {float64, float32, float16, int32, int16, uint16, int8, uint8}) {
        if (is_named(name_of(type))) {
            types.push_back(type);
        }
    }
    if (types.empty()) {
        types = {float64, float32, float16, int32, int16, uint16, int8, uint8};
    }
    std::vector<Index> feature_counts;
    for (const std::string& word : wanted) {
        if (word.find_first_not_of("0123456789") == std::string::npos) {
            feature_counts.push_back(std::stol(word));
        }
    }
    if (feature_counts.empty()) {
        feature_counts = {4, 8, 16, 30, 64, 100, 784, 4096};
    }
    Bytes bytes(megabytes * 1000 * 1000);
    const std::vector<std::uint8_t> labels(bytes.size() / 4, 1);
    fmt::print("{:<9}{:<9}{:>6}{:>9}{:>11}{:>10}{:>11}{:>12}{:>10}{:>9}{:>13}\n", "isa", "type",
               "d", "threads", "plain GB/s", "best", "pass GB/s", "Mrows/s", "of plain", "of best",
               "exact sums");
    for (const ElementType type : types) {
        bytes.fill(elements_of(type));
        for (const Index features : feature_counts) {
            for (const int threads : {1, 2}) {
                for (const model::Isa isa : variants) {
                    print_pass({.type = type,
                                .features = features,
                                .threads = threads,
                                .isa = isa,
                                .has_exact_sums = true},
                               bytes, labels);
                }
            }
        }
    }
    return 0;
}
