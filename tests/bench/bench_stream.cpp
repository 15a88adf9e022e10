// How fast rows that do not fit into memory are streamed, against the same rows in memory and
// against the disk. Not a test: figures depend on the machine and on what else runs there.
//
//   cmake --build --preset release --target bench_stream
//   build/release/tests/bench_stream FILE.h5 [THREADS [SHARE]]
//
// FILE is a data set (paralogit generate makes one). Prints the medians of evaluations of the
// objective over all its rows: in memory, and streamed with a limit of SHARE (0.25) of its bytes,
// in turn, the file in the page cache; then, with the page cache of the file dropped before each
// turn, the streamed pass and plain readings of the same bytes of the file: through the page cache,
// and around it with several large requests at a time. Run it on a file that nobody else uses.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/comm/session.hpp"
#include "paralogit/h5/library.hpp"
#include "paralogit/train/objective.hpp"

namespace {

using namespace paralogit;

double seconds_of(const std::function<void()>& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

class Passes {
  public:
    Passes(const comm::Communicator& comm, const std::string& path, int threads, Index limit)
        : data_(load(comm, path, threads, limit)),
          objective_(comm, data_,
                     {.penalty = model::Penalty(1e-4),
                      .has_intercept = true,
                      .weight_sum = static_cast<double>(data_.manifest.rows),
                      .reduction = train::Reduction::exact,
                      .own_requests = {}}),
          point_(Vector::Constant(objective_.dimension(), 1e-3)) {}

    double seconds() {
        return seconds_of([&] { value_ = objective_.evaluate(point_).value; });
    }
    double value() const { return value_; }
    const train::DataSet& data() const { return data_; }

  private:
    static train::DataSet load(const comm::Communicator& comm, const std::string& path, int threads,
                               Index limit) {
        train::Execution execution{.threads = threads};
        if (limit > 0) {
            execution.memory = {.bytes = limit, .source = "the benchmark", .also_needed = nullptr};
        }
        return train::load_data_set(comm, std::array{path}, {}, execution);
    }

    train::DataSet data_;
    train::DistributedObjective objective_;
    Vector point_;
    double value_ = 0;
};

/// Out of the page cache, as far as it is not mapped.
void drop_cache(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY);
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
}

/// Reads the last `bytes` of a file, each thread its part in pieces.
double read_seconds(const std::string& path, Index bytes, int threads, bool is_direct) {
    constexpr Index piece = Index{4} << 20;
    const int file = ::open(path.c_str(), O_RDONLY | (is_direct ? O_DIRECT : 0));
    struct stat status {};
    ::fstat(file, &status);
    const Range all{.first = (status.st_size - bytes) / piece, .end = status.st_size / piece};
    const double seconds = seconds_of([&] {
        run_threads(threads, [&](int thread) {
            Buffer buffer(piece + 4096);
            void* place = buffer.data();
            auto room = static_cast<std::size_t>(buffer.size());
            auto* const aligned = static_cast<std::byte*>(
                std::align(4096, static_cast<std::size_t>(piece), place, room));
            const Range part = part_of(all, thread, threads);
            for (Index k = part.first; k < part.end; ++k) {
                if (::pread(file, aligned, piece, k * piece) != piece) {
                    fmt::print("cannot read {}\n", path);
                    std::exit(1);
                }
            }
        });
    });
    ::close(file);
    return seconds * static_cast<double>(bytes) / static_cast<double>(all.size() * piece);
}

void print(const std::string& what, Index bytes, const std::vector<double>& seconds) {
    const double middle = median(seconds);
    fmt::print("{:48} {:8.4f} s {:8.2f} GB/s\n", what, middle,
               static_cast<double>(bytes) / middle / 1e9);
}

void compare(const std::string& path, int threads, double share) {
    constexpr int turns = 7;
    const auto comm = comm::Communicator::world();
    Index bytes = 0;
    std::vector<double> resident_seconds;
    std::vector<double> streamed_seconds;
    auto resident = std::make_unique<Passes>(comm, path, threads, 0);
    bytes = resident->data().memory.global_bytes;
    const auto limit = static_cast<Index>(share * static_cast<double>(bytes)) +
                       resident->data().manifest.rows * 16;
    Passes streamed(comm, path, threads, limit);
    const Index streamed_bytes = streamed.data().memory.global_streamed_bytes;
    resident->seconds();
    streamed.seconds();
    for (int turn = 0; turn < turns; ++turn) {
        resident_seconds.push_back(resident->seconds());
        streamed_seconds.push_back(streamed.seconds());
    }
    fmt::print("{}: {:.2f} GB of features, {:.2f} GB of them streamed, {} threads{}\n", path,
               static_cast<double>(bytes) / 1e9, static_cast<double>(streamed_bytes) / 1e9, threads,
               resident->value() == streamed.value() ? "" : "; THE VALUES DIFFER");
    print("in memory", bytes, resident_seconds);
    print("streamed from the page cache", bytes, streamed_seconds);
    fmt::print("ratio of the two: {:.2f}\n", median(streamed_seconds) / median(resident_seconds));
    resident.reset();

    constexpr int cold_turns = 5;
    std::vector<double> cold;
    std::vector<double> cached_reads;
    std::vector<double> direct_reads;
    for (int turn = 0; turn < cold_turns; ++turn) {
        drop_cache(path);
        cold.push_back(streamed.seconds());
        drop_cache(path);
        cached_reads.push_back(read_seconds(path, streamed_bytes, 1, false));
        drop_cache(path);
        direct_reads.push_back(read_seconds(path, streamed_bytes, 4, true));
    }
    print("streamed from the disk", streamed_bytes, cold);
    print("the same bytes read in order", streamed_bytes, cached_reads);
    print("the same, O_DIRECT, 4 threads", streamed_bytes, direct_reads);
    fmt::print("share of the faster reading: {:.2f}\n",
               std::min(median(cached_reads), median(direct_reads)) / median(cold));
}

}  // namespace

int main(int argc, char** argv) {
    comm::Session session(argc, argv);
    if (argc < 2) {
        fmt::print("usage: bench_stream FILE.h5 [THREADS [SHARE]]\n");
        return 2;
    }
    h5::prepare_library();
    compare(argv[1], argc > 2 ? std::stoi(argv[2]) : 1, argc > 3 ? std::stod(argv[3]) : 0.25);
    return 0;
}
