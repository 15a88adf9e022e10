// How many entries of sparse rows a pass takes in a second, against what the memory can deliver.
// Not a test: figures depend on the machine and on what else runs there.
//
//   cmake --build --preset release --target bench_sparse
//   build/release/tests/bench_sparse FILE.h5 [THREADS]
//
// FILE is a data set of sparse rows (paralogit generate --density makes one). In turn: a mere
// reading of the entries, values and indices, by the same threads in the same parts; the objective
// with its gradient; and a product of its Hessian, whose curvatures are known, with both limbs of
// the sums and with the high ones alone, as conjugate gradients take it. Medians of fifteen
// turns; the share is the median of each turn's own.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "paralogit/base/threads.hpp"
#include "paralogit/comm/session.hpp"
#include "paralogit/h5/library.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/objective.hpp"
#include "train/load/used_features.hpp"

namespace {

using namespace paralogit;

constexpr int turns = 15;

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// XORs words of eight bytes, and asks for what comes later.
std::uint64_t read_all(const std::byte* bytes, Index size) {
    constexpr Index words = 32;
    constexpr Index piece = words * 8;
    constexpr Index ahead = 8192;
    constexpr Index line = 64;
    std::array<std::uint64_t, words> sums{};
    for (Index at = 0; at + piece <= size; at += piece) {
        for (Index l = 0; l < piece; l += line) {
            __builtin_prefetch(bytes + at + ahead + l);
        }
        std::array<std::uint64_t, words> some{};
        std::memcpy(some.data(), bytes + at, piece);
        for (std::size_t w = 0; w < words; ++w) {
            sums[w] ^= some[w];
        }
    }
    std::uint64_t all = 0;
    for (const std::uint64_t sum : sums) {
        all ^= sum;
    }
    return all;
}

class Measurement {
  public:
    Measurement(const comm::Communicator& comm, const std::string& path, int threads)
        : data_(load(comm, path, threads)),
          threads_(threads),
          objective_(comm, data_,
                     {.penalty = model::Penalty(1e-4),
                      .has_intercept = false,
                      .weight_sum = static_cast<double>(data_.manifest.rows),
                      .reduction = train::Reduction::exact,
                      .own_requests = {}}),
          curvature_(comm, data_, false, objective_.loss(), objective_.sparse_pass()),
          point_(Vector::Constant(objective_.dimension(), 1e-3)) {
        curvature_.go_to(point_);
    }

    void run() {
        std::vector<double> reading;
        Figures gradient{"gradient", {}, {}};
        Figures product{"product, exact", {}, {}};
        Figures rounded{"product, rounded", {}, {}};
        for (int turn = 0; turn < turns; ++turn) {
            reading.push_back(seconds_of([&] { read(); }));
            gradient.note(reading.back(), seconds_of([&] { objective_.evaluate(point_); }));
            for (Figures* of : {&product, &rounded}) {
                Vector direction = point_;
                of->note(reading.back(), seconds_of([&] {
                             curvature_.next_product(direction,
                                                     {.ridge = 1e-4, .is_rounded = of == &rounded});
                         }));
            }
        }
        const Index entries = data_.manifest.entries_before_block.back();
        const Index bytes = data_.shard.sparse.values.size() + data_.shard.sparse.indices.size();
        fmt::print("{} rows x {} features, {} of them used, {:.1f} million entries, {} threads\n",
                   data_.manifest.rows, data_.manifest.features, data_.shard.features,
                   static_cast<double>(entries) / 1e6, threads_);
        fmt::print("{:18}{:8.2f} ms{:9.1f} GB/s\n", "reading", 1e3 * median(reading),
                   static_cast<double>(bytes) / median(reading) / 1e9);
        for (const Figures& of : {gradient, product, rounded}) {
            const double seconds = median(of.seconds);
            fmt::print("{:18}{:8.2f} ms{:9.1f} GB/s{:9.0f} million entries/s{:6.0f} % of reading\n",
                       of.what, 1e3 * seconds, static_cast<double>(bytes) / seconds / 1e9,
                       static_cast<double>(entries) / seconds / 1e6, 100 * median(of.shares));
        }
    }

  private:
    struct Figures {
        const char* what;
        std::vector<double> seconds;
        std::vector<double> shares;

        void note(double of_reading, double own) {
            seconds.push_back(own);
            shares.push_back(of_reading / own);
        }
    };

    static train::DataSet load(const comm::Communicator& comm, const std::string& path,
                               int threads) {
        train::DataSet data =
            train::load_data_set(comm, std::array{path}, {}, {.threads = threads});
        train::keep_used_features(comm, data, false);
        return data;
    }

    static double seconds_of(const std::function<void()>& action) {
        const auto begin = std::chrono::steady_clock::now();
        action();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

    void read() {
        std::vector<std::uint64_t> results(static_cast<std::size_t>(threads_));
        run_threads(threads_, [&](int thread) {
            for (const data::Values* of :
                 {&data_.shard.sparse.values, &data_.shard.sparse.indices}) {
                const Range part = part_of({.first = 0, .end = of->size()}, thread, threads_);
                results[static_cast<std::size_t>(thread)] ^=
                    read_all(of->data() + part.first, part.size());
            }
        });
        for (const std::uint64_t result : results) {
            digest_ = digest_ ^ result;
        }
    }

    train::DataSet data_;
    int threads_;
    train::DistributedObjective objective_;
    train::Curvature curvature_;
    Vector point_;
    volatile std::uint64_t digest_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    comm::Session session(argc, argv);
    if (argc < 2) {
        fmt::print("usage: bench_sparse FILE.h5 [THREADS]\n");
        return 2;
    }
    h5::prepare_library();
    Measurement(comm::Communicator::world(), argv[1], argc > 2 ? std::stoi(argv[2]) : 1).run();
    return 0;
}
