// How fast features are loaded, against what the machine can do. Not a test: figures depend on the
// machine and on what else runs there.
//
//   cmake --build --preset release --target bench_load
//   build/release/tests/bench_load DIRECTORY [GIGABYTES]
//
// Makes its files in DIRECTORY (which needs room for three times the size), reads them from the
// page cache, prints medians of five runs taken in turn, and the largest memory of the process
// after each kind.

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/h5/file.hpp"
#include "paralogit/h5/library.hpp"

namespace {

using namespace paralogit;

constexpr Index features = 64;
constexpr Index row_bytes = features * 4;

/// X [rows x 64] float32 and y, contiguous or in chunks of 1 MiB through shuffle and deflate 4.
void make_file(const std::string& path, Index rows, bool is_compressed) {
    constexpr hsize_t chunk_rows = 4096;
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t shape[2] = {static_cast<hsize_t>(rows), features};
    const hsize_t chunk[2] = {chunk_rows, features};
    const hid_t space = H5Screate_simple(2, shape, nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (is_compressed) {
        H5Pset_chunk(creation, 2, chunk);
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, 4);
    }
    const hid_t x =
        H5Dcreate2(file, "X", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> band(chunk_rows * features);
    std::ranges::generate(band, [&] { return normal(random); });
    const hid_t memory = H5Screate_simple(2, chunk, nullptr);
    for (hsize_t row = 0; row < shape[0]; row += chunk_rows) {
        const hsize_t first[2] = {row, 0};
        const hsize_t count[2] = {std::min(chunk_rows, shape[0] - row), features};
        const hsize_t origin[2] = {0, 0};
        H5Sselect_hyperslab(space, H5S_SELECT_SET, first, nullptr, count, nullptr);
        H5Sselect_hyperslab(memory, H5S_SELECT_SET, origin, nullptr, count, nullptr);
        H5Dwrite(x, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, band.data());
    }
    const hid_t rows_space = H5Screate_simple(1, shape, nullptr);
    const hid_t y =
        H5Dcreate2(file, "y", H5T_STD_U8LE, rows_space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::vector<unsigned char> labels(shape[0], 1);
    H5Dwrite(y, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data());
    H5Dclose(y);
    H5Sclose(rows_space);
    H5Sclose(memory);
    H5Dclose(x);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
}

double seconds_of(const std::function<void()>& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// In MB; since the last call.
double largest_memory() {
    std::ifstream status("/proc/self/status");
    std::string word;
    double kilobytes = 0;
    while (status >> word) {
        if (word == "VmHWM:") {
            status >> kilobytes;
        }
    }
    std::ofstream("/proc/self/clear_refs") << 5;
    return kilobytes / 1024;
}

void read_all(const std::string& path, std::byte* out, Index size, Index step, bool is_reused) {
    const int file = ::open(path.c_str(), O_RDONLY);
    for (Index done = 0; done < size; done += step) {
        const Index bytes = std::min(step, size - done);
        if (::read(file, out + (is_reused ? 0 : done), static_cast<std::size_t>(bytes)) != bytes) {
            fmt::print("cannot read {}\n", path);
            std::exit(1);
        }
    }
    ::close(file);
}

/// Loads all rows; `reads_values` also adds up the bytes of each block, eight at a time.
void load(const std::string& path, int threads, bool reads_values) {
    const std::vector<std::string> paths{path};
    const data::Manifest manifest = data::describe(paths, {});
    const data::ShardPlan plan(manifest.rows);
    data::Shard shard = data::empty_shard(manifest, plan, 0, 1);
    std::atomic<std::uint64_t> total = 0;
    data::load_features(manifest, plan, shard, threads, [&](int, const model::Block& block) {
        std::uint64_t sum = 0;
        const Index words = reads_values ? block.rows * block.features / 2 : 0;
        for (Index i = 0; i < words; ++i) {
            std::uint64_t word = 0;
            std::copy_n(block.values + 8 * i, 8, reinterpret_cast<std::byte*>(&word));
            sum += word;
        }
        total += sum;
    });
}

void read_by_library(const std::string& path, Index rows) {
    const h5::File file = h5::File::open(path);
    const h5::Dataset dataset = file.dataset("X");
    constexpr Index band = 16 * 4096;
    Buffer values(rows * row_bytes);
    for (Index row = 0; row < rows; row += band) {
        const Index count = std::min(band, rows - row);
        dataset.read(
            std::vector<Index>{row, 0}, std::vector<Index>{count, features}, ElementType::float32,
            {values.data() + row * row_bytes, static_cast<std::size_t>(count * row_bytes)});
    }
}

struct Contender {
    std::string name;
    std::function<void()> run;
    std::vector<double> seconds{};
    std::vector<double> core_seconds{};  ///< of all threads; says more on a busy machine
    double memory = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
    const double gigabytes = argc > 2 ? std::stod(argv[2]) : 2.0;
    const auto rows = static_cast<Index>(gigabytes * 1e9) / row_bytes;
    const Index bytes = rows * row_bytes;
    const std::string plain = folder / "bench_plain.h5";
    const std::string packed = folder / "bench_packed.h5";
    h5::prepare_library();
    make_file(plain, rows, false);
    make_file(packed, rows, true);
    fmt::print(
        "{} x {} float32; compressed to {:.2f}\n", rows, features,
        static_cast<double>(std::filesystem::file_size(packed)) / static_cast<double>(bytes));

    Buffer used(bytes);
    std::fill_n(used.data(), bytes, std::byte{1});
    Buffer reused(Index{1} << 20);
    std::vector<Contender> contenders{
        {"contiguous: read() into a fresh buffer",
         [&] {
             Buffer fresh(bytes);
             read_all(plain, fresh.data(), bytes, Index{1} << 20, false);
         }},
        {"contiguous: read() into a used buffer",
         [&] { read_all(plain, used.data(), bytes, Index{1} << 20, false); }},
        {"contiguous: read() into a reused MB",
         [&] { read_all(plain, reused.data(), bytes, Index{1} << 20, true); }},
        {"contiguous: load_features, 1 thread", [&] { load(plain, 1, false); }},
        {"contiguous: load_features, 2 threads", [&] { load(plain, 2, false); }},
        {"contiguous: load_features, 1 thread, adding", [&] { load(plain, 1, true); }},
        {"contiguous: load_features, 2 threads, adding", [&] { load(plain, 2, true); }},
        {"compressed: H5Dread", [&] { read_by_library(packed, rows); }},
        {"compressed: load_features, 1 thread", [&] { load(packed, 1, false); }},
        {"compressed: load_features, 2 threads", [&] { load(packed, 2, false); }},
    };
    for (int turn = 0; turn < 5; ++turn) {
        for (Contender& contender : contenders) {
            largest_memory();
            const std::clock_t begin = std::clock();
            contender.seconds.push_back(seconds_of(contender.run));
            contender.core_seconds.push_back(static_cast<double>(std::clock() - begin) /
                                             CLOCKS_PER_SEC);
            contender.memory = std::max(contender.memory, largest_memory());
        }
    }
    for (Contender& contender : contenders) {
        std::ranges::sort(contender.seconds);
        std::ranges::sort(contender.core_seconds);
        fmt::print("{:46} {:8.3f} s {:8.2f} GB/s, {:8.3f} core s, {:6.0f} MB\n", contender.name,
                   contender.seconds[2], static_cast<double>(bytes) / contender.seconds[2] / 1e9,
                   contender.core_seconds[2], contender.memory);
    }
    std::filesystem::remove(plain);
    std::filesystem::remove(packed);
    return 0;
}
