#include "filters.hpp"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>

#include "paralogit/base/checked.hpp"

namespace paralogit::h5 {

namespace {

constexpr std::size_t checksum_bytes = 4;

/// What deflate makes of a long run of one byte; nothing inflates to more.
constexpr std::size_t largest_inflation = 1032;

std::span<const std::byte> without_checksum(std::span<const std::byte> bytes) {
    if (bytes.size() < checksum_bytes) {
        throw DamagedChunk(
            fmt::format("its {} bytes are too few for a checksum (fletcher32)", bytes.size()));
    }
    const auto content = bytes.first(bytes.size() - checksum_bytes);
    std::uint32_t stored = 0;
    for (std::size_t i = checksum_bytes; i > 0; --i) {
        stored = stored << 8U | std::to_integer<std::uint32_t>(bytes[content.size() + i - 1]);
    }
    const std::uint32_t computed = fletcher32(content);
    // Early versions of HDF5 on little-endian machines stored each half with its bytes swapped.
    const std::uint32_t swapped = (computed & 0x00ff00ffU) << 8U | (computed & 0xff00ff00U) >> 8U;
    if (stored != computed && stored != swapped) {
        throw DamagedChunk("its checksum (fletcher32) is wrong");
    }
    return content;
}

std::span<const std::byte> inflated(std::span<const std::byte> bytes, std::size_t size,
                                    libdeflate_decompressor* decompressor, Buffer& to) {
    // Before memory is asked for that a hostile size may claim.
    if (size / largest_inflation > bytes.size()) {
        throw DamagedChunk(
            fmt::format("its {} bytes cannot hold the {} of a chunk", bytes.size(), size));
    }
    to.reserve(narrow<Index>(size));
    switch (libdeflate_zlib_decompress(decompressor, bytes.data(), bytes.size(), to.data(), size,
                                       nullptr)) {
        case LIBDEFLATE_SUCCESS:
            return {to.data(), size};
        case LIBDEFLATE_SHORT_OUTPUT:
            throw DamagedChunk(fmt::format("its data inflates to less than the {} bytes", size));
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            throw DamagedChunk(fmt::format("its data inflates to more than the {} bytes", size));
        default:
            throw DamagedChunk("its compressed data is wrong");
    }
}

/// The loop over elements is the inner one, and of a length known to be a multiple, so that the
/// compiler interleaves whole registers.
template <std::size_t element_bytes>
void interleave(const std::byte* __restrict from, std::size_t elements, std::byte* __restrict to) {
    for (std::size_t i = 0; i < elements; ++i) {
        for (std::size_t b = 0; b < element_bytes; ++b) {
            to[i * element_bytes + b] = from[b * elements + i];
        }
    }
}

}  // namespace

ChunkScratch::Impl::Impl() : decompressor(libdeflate_alloc_decompressor()) {
    if (!decompressor) {
        throw std::bad_alloc();
    }
}

void ChunkScratch::Impl::Free::operator()(libdeflate_decompressor* decompressor) const {
    libdeflate_free_decompressor(decompressor);
}

ChunkScratch::ChunkScratch() : impl_(std::make_unique<Impl>()) {}
ChunkScratch::~ChunkScratch() = default;
ChunkScratch::ChunkScratch(ChunkScratch&&) noexcept = default;
ChunkScratch& ChunkScratch::operator=(ChunkScratch&&) noexcept = default;

std::optional<FilterPipeline> FilterPipeline::of(hid_t creation, const Location& where) {
    FilterPipeline pipeline;
    const int count = check(H5Pget_nfilters(creation), where, "count its filters");
    for (unsigned position = 0; position < static_cast<unsigned>(count); ++position) {
        unsigned flags = 0;
        unsigned config = 0;
        std::array<unsigned, 8> values{};
        std::size_t value_count = values.size();
        switch (check(H5Pget_filter2(creation, position, &flags, &value_count, values.data(), 0,
                                     nullptr, &config),
                      where, "read its filters")) {
            case H5Z_FILTER_DEFLATE:
                pipeline.steps_.push_back({.filter = Filter::deflate});
                break;
            case H5Z_FILTER_SHUFFLE:
                if (value_count != 1 || values[0] == 0) {
                    return std::nullopt;
                }
                pipeline.steps_.push_back({.filter = Filter::shuffle, .element_bytes = values[0]});
                break;
            case H5Z_FILTER_FLETCHER32:
                pipeline.steps_.push_back({.filter = Filter::fletcher32});
                break;
            default:
                return std::nullopt;
        }
    }
    // Of two deflates the size in between is stored nowhere.
    const auto deflates = std::ranges::count(pipeline.steps_, Filter::deflate, &Step::filter);
    return deflates > 1 ? std::nullopt : std::optional(pipeline);
}

bool FilterPipeline::is_done(std::size_t step, Filter filter, std::uint32_t skipped) const {
    return steps_[step].filter == filter && (skipped >> step & 1U) == 0;
}

std::span<const std::byte> FilterPipeline::undo(std::span<const std::byte> stored,
                                                std::uint32_t skipped, std::size_t chunk_bytes,
                                                ChunkScratch::Impl& scratch) const {
    std::span<const std::byte> bytes = stored;
    for (std::size_t step = steps_.size(); step-- > 0;) {
        Buffer& to = scratch.buffers[bytes.data() == scratch.buffers[0].data() ? 1 : 0];
        if (is_done(step, Filter::fletcher32, skipped)) {
            bytes = without_checksum(bytes);
        } else if (is_done(step, Filter::deflate, skipped)) {
            std::size_t size = chunk_bytes;
            for (std::size_t earlier = 0; earlier < step; ++earlier) {
                size += is_done(earlier, Filter::fletcher32, skipped) ? checksum_bytes : 0;
            }
            bytes = inflated(bytes, size, scratch.decompressor.get(), to);
        } else if (is_done(step, Filter::shuffle, skipped)) {
            to.reserve(narrow<Index>(bytes.size()));
            unshuffle(bytes, steps_[step].element_bytes, to.data());
            bytes = {to.data(), bytes.size()};
        }
    }
    if (bytes.size() != chunk_bytes) {
        throw DamagedChunk(
            fmt::format("its data has {} bytes instead of {}", bytes.size(), chunk_bytes));
    }
    return bytes;
}

std::uint32_t fletcher32(std::span<const std::byte> bytes) {
    // Both sums are taken modulo 65535, where swapping the bytes of a word multiplies it by 256: so
    // words are added as they lie in memory, whatever its byte order. Each of the lanes adds every
    // eighth word, and its own sums, as often as 32 bits can hold.
    constexpr std::size_t lanes = 8;
    constexpr std::size_t steps_at_once = 360;
    constexpr std::uint64_t modulus = 65535;
    constexpr std::uint64_t factor = std::endian::native == std::endian::little ? 256 : 1;
    std::uint64_t sum = 0;          // of all words
    std::uint64_t sum_of_sums = 0;  // of the sums up to each word
    bool is_zero = true;
    const auto add_words = [&](const std::byte* words, std::size_t steps) {
        std::array<std::uint32_t, lanes> sums{};
        std::array<std::uint32_t, lanes> second{};
        for (std::size_t step = 0; step < steps; ++step) {
            std::array<std::uint16_t, lanes> some;
            std::memcpy(some.data(), words + step * sizeof some, sizeof some);
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                sums[lane] += some[lane];
                second[lane] += sums[lane];
            }
        }
        sum_of_sums += sum * (steps * lanes);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            is_zero = is_zero && sums[lane] == 0;
            sum += sums[lane];
            sum_of_sums += std::uint64_t{second[lane]} * lanes - std::uint64_t{sums[lane]} * lane;
        }
        sum %= modulus;
        sum_of_sums %= modulus;
    };
    constexpr std::size_t step_bytes = lanes * sizeof(std::uint16_t);
    std::size_t done = 0;
    while (bytes.size() - done >= step_bytes) {
        const std::size_t steps = std::min((bytes.size() - done) / step_bytes, steps_at_once);
        add_words(bytes.data() + done, steps);
        done += steps * step_bytes;
    }
    for (; done < bytes.size(); done += 2) {
        std::array<std::byte, 2> pair{bytes[done]};
        if (done + 1 < bytes.size()) {
            pair[1] = bytes[done + 1];
        }
        std::uint16_t word = 0;
        std::memcpy(&word, pair.data(), sizeof word);
        is_zero = is_zero && word == 0;
        sum = (sum + word) % modulus;
        sum_of_sums = (sum_of_sums + sum) % modulus;
    }
    // HDF5 folds carries instead of dividing: it ends with 65535 where the remainder is 0, unless
    // every word was 0.
    const auto folded = [&](std::uint64_t remainder) {
        const auto value = static_cast<std::uint32_t>(remainder * factor % modulus);
        return value == 0 && !is_zero ? std::uint32_t{modulus} : value;
    };
    return folded(sum_of_sums) << 16U | folded(sum);
}

void unshuffle(std::span<const std::byte> from, std::size_t element_bytes, std::byte* to) {
    const std::size_t elements = from.size() / element_bytes;
    switch (element_bytes) {
        case 1:
            interleave<1>(from.data(), elements, to);
            break;
        case 2:
            interleave<2>(from.data(), elements, to);
            break;
        case 4:
            interleave<4>(from.data(), elements, to);
            break;
        case 8:
            interleave<8>(from.data(), elements, to);
            break;
        default:
            for (std::size_t b = 0; b < element_bytes; ++b) {
                for (std::size_t i = 0; i < elements; ++i) {
                    to[i * element_bytes + b] = from[b * elements + i];
                }
            }
    }
    const std::size_t whole = elements * element_bytes;
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(whole), from.end(), to + whole);
}

}  // namespace paralogit::h5
