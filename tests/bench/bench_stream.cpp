// How fast rows that do not fit into memory are streamed, against the same rows in memory and
// against the disk. Not a test: figures depend on the machine and on what else runs there.
//
//   cmake --build --preset release --target bench_stream
//   build/release/tests/bench_stream FILE.h5 [THREADS [SHARE [memory|cached|disk]]]
//
// FILE is a data set (paralogit generate makes one); with mpirun each rank takes its part. Prints
// the medians of evaluations of the objective over all its rows: in memory, and streamed with a
// limit of SHARE (0.25) of its bytes, in turn, the file in the page cache as this program read it
// (or as it lay there before: cached); then from the disk, in turn, the streamed pass and plain
// readings of the same bytes of the file: through the page cache, and around it with several large
// requests at a time. Before each of these the file is brought into the page cache and dropped: a
// virtual machine may have to ask its host for memory that was free for some time, which can take
// longer than the disk. Run it on a file that nobody else uses.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
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

constexpr Index piece = Index{4} << 20;

/// For the pieces of some threads, on the border of a page, and used before.
class Pieces {
  public:
    explicit Pieces(int threads) : buffer_(threads * piece) {
        std::memset(buffer_.data(), 1, static_cast<std::size_t>(buffer_.size()));
    }
    std::byte* of(int thread) { return buffer_.data() + thread * piece; }

  private:
    Buffer buffer_;
};

/// Reads the last `bytes` of a file, each thread its part in pieces.
double read_seconds(const std::string& path, Index bytes, int threads, bool is_direct,
                    Pieces& pieces) {
    const int file = ::open(path.c_str(), O_RDONLY | (is_direct ? O_DIRECT : 0));
    struct stat status {};
    ::fstat(file, &status);
    const Range all{.first = (status.st_size - bytes) / piece, .end = status.st_size / piece};
    const double seconds = seconds_of([&] {
        run_threads(threads, [&](int thread) {
            const Range part = part_of(all, thread, threads);
            for (Index k = part.first; k < part.end; ++k) {
                if (::pread(file, pieces.of(thread), piece, k * piece) != piece) {
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

/// In turn, the file in the page cache.
void compare_in_memory(const comm::Communicator& comm, const std::string& path, int threads,
                       Passes& resident, Passes& streamed) {
    constexpr int turns = 9;
    const Index bytes = resident.data().memory.global_bytes;
    std::vector<double> resident_seconds;
    std::vector<double> streamed_seconds;
    resident.seconds();
    streamed.seconds();
    for (int turn = 0; turn < turns; ++turn) {
        resident_seconds.push_back(resident.seconds());
        streamed_seconds.push_back(streamed.seconds());
    }
    fmt::print("{}: {:.2f} GB of features, {:.2f} GB of them streamed, {} ranks of {} threads{}\n",
               path, static_cast<double>(bytes) / 1e9,
               static_cast<double>(streamed.data().memory.global_streamed_bytes) / 1e9, comm.size(),
               threads, resident.value() == streamed.value() ? "" : "; THE VALUES DIFFER");
    print("in memory", bytes, resident_seconds);
    print("streamed from the page cache", bytes, streamed_seconds);
    fmt::print("ratio of the two: {:.2f}\n", median(streamed_seconds) / median(resident_seconds));
}

void compare_from_disk(const comm::Communicator& comm, const std::string& path, Passes& streamed) {
    constexpr int turns = 9;
    constexpr int direct_threads = 4;
    const Index bytes = streamed.data().memory.global_streamed_bytes;
    std::vector<double> cold;
    std::vector<double> cached_reads;
    std::vector<double> direct_reads;
    Pieces pieces(direct_threads);
    const auto drop = [&] {
        streamed.seconds();
        drop_cache(path);
        comm.barrier();
    };
    for (int turn = 0; turn < turns; ++turn) {
        drop();
        cold.push_back(streamed.seconds());
        drop();
        if (comm.rank() == 0) {
            cached_reads.push_back(read_seconds(path, bytes, 1, false, pieces));
        }
        drop();
        if (comm.rank() == 0) {
            direct_reads.push_back(read_seconds(path, bytes, direct_threads, true, pieces));
        }
    }
    if (comm.rank() == 0) {
        print("streamed from the disk", bytes, cold);
        print("the same bytes read in order", bytes, cached_reads);
        print("the same, O_DIRECT, 4 threads", bytes, direct_reads);
        fmt::print("share of the faster reading: {:.2f}\n",
                   std::min(median(cached_reads), median(direct_reads)) / median(cold));
    }
}

void compare(const std::string& path, int threads, double share, const std::string& what) {
    const auto comm = comm::Communicator::world();
    if (comm.rank() != 0) {
        static_cast<void>(std::freopen("/dev/null", "w", stdout));
    }
    if (what != "cached") {
        drop_cache(path);
        comm.barrier();
    }
    auto resident = std::make_unique<Passes>(comm, path, threads, 0);
    const auto bytes = static_cast<double>(resident->data().memory.global_bytes);
    const Index limit =
        (static_cast<Index>(share * bytes) + resident->data().manifest.rows * 16) / comm.size();
    Passes streamed(comm, path, threads, limit);
    if (what != "disk") {
        compare_in_memory(comm, path, threads, *resident, streamed);
    }
    resident.reset();
    if (what != "memory" && what != "cached") {
        compare_from_disk(comm, path, streamed);
    }
}

}  // namespace

int main(int argc, char** argv) {
    comm::Session session(argc, argv);
    if (argc < 2) {
        fmt::print("usage: bench_stream FILE.h5 [THREADS [SHARE [memory|cached|disk]]]\n");
        return 2;
    }
    h5::prepare_library();
    compare(argv[1], argc > 2 ? std::stoi(argv[2]) : 1, argc > 3 ? std::stod(argv[3]) : 0.25,
            argc > 4 ? argv[4] : "");
    return 0;
}
