#include "paralogit/comm/communicator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <numeric>
#include <utility>

#include "check.hpp"
#include "exchanges.hpp"
#include "mpi_api.hpp"
#include "paralogit/base/checked.hpp"

namespace paralogit::comm {

/// Owns the communicators. They are made of MPI_COMM_WORLD, so no message of a library that shares
/// the process can meet one of ours.
struct Communicator::Impl {
    MPI_Comm all = MPI_COMM_NULL;
    MPI_Comm host = MPI_COMM_NULL;
    int rank = 0;
    int size = 1;
    std::size_t values_per_call = 0;
    WatchLine watch_line;

    explicit Impl(Index most_values) : values_per_call(narrow<std::size_t>(most_values)) {
        check(MPI_Comm_dup(MPI_COMM_WORLD, &all), "MPI_Comm_dup");
        check(MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
        check(MPI_Comm_rank(all, &rank), "MPI_Comm_rank");
        check(MPI_Comm_size(all, &size), "MPI_Comm_size");
        check(MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &host),
              "MPI_Comm_split_type");
        check(MPI_Comm_set_errhandler(host, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
        check(MPI_Comm_dup(all, &watch_line.messages), "MPI_Comm_dup");
        check(MPI_Comm_set_errhandler(watch_line.messages, MPI_ERRORS_RETURN),
              "MPI_Comm_set_errhandler");
    }

    ~Impl() {
        // Freeing is collective: with an exception on its way the other ranks may not come.
        if (std::uncaught_exceptions() == 0) {
            check(MPI_Comm_free(&watch_line.messages), "MPI_Comm_free");
            check(MPI_Comm_free(&host), "MPI_Comm_free");
            check(MPI_Comm_free(&all), "MPI_Comm_free");
        }
    }

    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Calls `action(pointer, count)` for one piece after the other.
    template <class Value, class Action>
    void for_each_piece(std::span<Value> values, Action&& action) const {
        for (std::size_t first = 0; first < values.size(); first += values_per_call) {
            const std::size_t count = std::min(values_per_call, values.size() - first);
            action(values.data() + first, narrow<int>(count));
        }
    }

    template <class Value>
    void reduce(std::span<Value> values, MPI_Datatype type, MPI_Op operation) const {
        for_each_piece(values, [&](Value* piece, int count) {
            check(MPI_Allreduce(MPI_IN_PLACE, piece, count, type, operation, all), "MPI_Allreduce");
        });
    }

    Index reduce(Index value, MPI_Op operation) const {
        reduce(std::span(&value, 1), MPI_INT64_T, operation);
        return value;
    }

    template <class Value>
    void broadcast(std::span<Value> values, MPI_Datatype type, int root) const {
        for_each_piece(values, [&](Value* piece, int count) {
            check(MPI_Bcast(piece, count, type, root, all), "MPI_Bcast");
        });
    }

    std::vector<Index> all_gather(Index value) const {
        std::vector<Index> values(static_cast<std::size_t>(size));
        check(MPI_Allgather(&value, 1, MPI_INT64_T, values.data(), 1, MPI_INT64_T, all),
              "MPI_Allgather");
        return values;
    }

    std::vector<std::string> all_gather(std::string_view bytes) const;
    void send_and_receive(std::span<const std::byte> sent, int to, std::span<std::byte> received,
                          int from) const;
};

std::vector<std::string> Communicator::Impl::all_gather(std::string_view bytes) const {
    const auto ranks = static_cast<std::size_t>(size);
    const std::vector<Index> lengths = all_gather(std::ssize(bytes));
    const Index longest = *std::max_element(lengths.begin(), lengths.end());

    // In each round every rank gives its next `per_rank` bytes, so that counts and displacements of
    // a round stay within values_per_call (or one byte per rank).
    const Index per_rank = std::max(Index{1}, narrow<Index>(values_per_call) / narrow<Index>(size));
    std::vector<std::string> gathered(ranks);
    std::vector<int> counts(ranks);
    std::vector<int> displacements(ranks);
    std::string received;
    for (Index first = 0; first < longest; first += per_rank) {
        int total = 0;
        for (std::size_t r = 0; r < ranks; ++r) {
            counts[r] = narrow<int>(std::clamp(lengths[r] - first, Index{0}, per_rank));
            displacements[r] = total;
            total += counts[r];
        }
        received.resize(static_cast<std::size_t>(total));
        const int own = counts[static_cast<std::size_t>(rank)];
        // The last rounds of a shorter string send nothing, from its end.
        const Index offset = std::min(first, std::ssize(bytes));
        check(MPI_Allgatherv(bytes.data() + offset, own, MPI_BYTE, received.data(), counts.data(),
                             displacements.data(), MPI_BYTE, all),
              "MPI_Allgatherv");
        for (std::size_t r = 0; r < ranks; ++r) {
            gathered[r].append(received, static_cast<std::size_t>(displacements[r]),
                               static_cast<std::size_t>(counts[r]));
        }
    }
    return gathered;
}

void Communicator::Impl::send_and_receive(std::span<const std::byte> sent, int to,
                                          std::span<std::byte> received, int from) const {
    const std::size_t longest = std::max(sent.size(), received.size());
    for (std::size_t first = 0; first < longest; first += values_per_call) {
        const auto piece = [&](auto bytes) {
            return bytes.subspan(std::min(first, bytes.size()))
                .first(std::min(values_per_call, bytes.size() - std::min(first, bytes.size())));
        };
        const auto own = piece(sent);
        const auto other = piece(received);
        // The shorter of both directions has nothing more to say in the last calls.
        check(MPI_Sendrecv(own.data(), narrow<int>(own.size()), MPI_BYTE,
                           own.empty() ? MPI_PROC_NULL : to, 0, other.data(),
                           narrow<int>(other.size()), MPI_BYTE,
                           other.empty() ? MPI_PROC_NULL : from, 0, all, MPI_STATUS_IGNORE),
              "MPI_Sendrecv");
    }
}

Communicator Communicator::world(Index values_per_call) {
    if (values_per_call < 1 || values_per_call > Index{1} << 30) {
        throw Error(
            ExitCode::internal,
            fmt::format("internal error: {} values per MPI call; give 1 to 2^30", values_per_call));
    }
    return Communicator(std::make_unique<Impl>(values_per_call));
}

Communicator::Communicator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Communicator::~Communicator() = default;
Communicator::Communicator(Communicator&&) noexcept = default;
Communicator& Communicator::operator=(Communicator&&) noexcept = default;

int Communicator::rank() const {
    return impl_->rank;
}

int Communicator::size() const {
    return impl_->size;
}

const WatchLine& Communicator::watch_line() const {
    return impl_->watch_line;
}

double Communicator::exchange_seconds() const {
    return impl_->watch_line.exchanges.seconds();
}

void Communicator::note_exchanges_in(TraceLane* lane) const {
    impl_->watch_line.exchanges.note_in(lane);
}

void Communicator::sum(std::span<std::int64_t> values) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    impl_->reduce(values, MPI_INT64_T, MPI_SUM);
}

void Communicator::sum(std::span<double> values) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    impl_->reduce(values, MPI_DOUBLE, MPI_SUM);
}

Index Communicator::sum(Index value) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    return impl_->reduce(value, MPI_SUM);
}

void Communicator::max(std::span<std::int32_t> values) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    impl_->reduce(values, MPI_INT32_T, MPI_MAX);
}

Index Communicator::max(Index value) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    return impl_->reduce(value, MPI_MAX);
}

Index Communicator::min(Index value) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    return impl_->reduce(value, MPI_MIN);
}

Index Communicator::sum_of_lower_ranks(Index value) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Exscan");
    Index sum = 0;
    check(MPI_Exscan(&value, &sum, 1, MPI_INT64_T, MPI_SUM, impl_->all), "MPI_Exscan");
    // MPI leaves the result of rank 0 undefined.
    return impl_->rank == 0 ? 0 : sum;
}

void Communicator::sum_of_lower_ranks(std::span<Index> values) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Exscan");
    std::vector<Index> sums(values.size(), 0);
    impl_->for_each_piece(values, [&](Index* piece, int count) {
        check(MPI_Exscan(piece, sums.data() + (piece - values.data()), count, MPI_INT64_T, MPI_SUM,
                         impl_->all),
              "MPI_Exscan");
    });
    if (impl_->rank == 0) {
        std::ranges::fill(sums, 0);
    }
    std::ranges::copy(sums, values.begin());
}

Index Communicator::sum_on_host(Index value) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allreduce");
    check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_SUM, impl_->host),
          "MPI_Allreduce");
    return value;
}

void Communicator::broadcast(std::span<double> values, int root) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Bcast");
    impl_->broadcast(values, MPI_DOUBLE, root);
}

void Communicator::broadcast(std::string& bytes, int root) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Bcast");
    Index length = std::ssize(bytes);
    impl_->broadcast(std::span(&length, 1), MPI_INT64_T, root);
    try {
        bytes.resize(narrow<std::size_t>(length));
    } catch (const std::bad_alloc&) {
        abort(ExitCode::internal, fmt::format("out of memory for a message of {} bytes", length));
    }
    impl_->broadcast(std::span(bytes), MPI_BYTE, root);
}

std::vector<std::string> Communicator::all_gather(std::string_view bytes) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Allgather");
    try {
        return impl_->all_gather(bytes);
    } catch (const std::bad_alloc&) {
        abort(ExitCode::internal, "out of memory for the messages of all ranks");
    }
}

std::vector<Index> Communicator::exchange(std::span<const Index> values) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Alltoall");
    std::vector<Index> received(values.size());
    check(MPI_Alltoall(values.data(), 1, MPI_INT64_T, received.data(), 1, MPI_INT64_T, impl_->all),
          "MPI_Alltoall");
    return received;
}

void Communicator::exchange(std::span<const std::byte> sent, std::span<const Index> sent_bytes,
                            std::span<std::byte> received,
                            std::span<const Index> received_bytes) const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Sendrecv");
    const auto part = [](auto whole, std::span<const Index> bytes, std::size_t rank) {
        const Index first =
            std::accumulate(bytes.begin(), bytes.begin() + narrow<Index>(rank), Index{0});
        return whole.subspan(narrow<std::size_t>(first), narrow<std::size_t>(bytes[rank]));
    };
    // In round k every rank gives to the k-th rank above it and takes from the k-th below it.
    const auto ranks = narrow<std::size_t>(impl_->size);
    const auto own = narrow<std::size_t>(impl_->rank);
    std::ranges::copy(part(sent, sent_bytes, own), part(received, received_bytes, own).begin());
    for (std::size_t k = 1; k < ranks; ++k) {
        const std::size_t to = (own + k) % ranks;
        const std::size_t from = (own + ranks - k) % ranks;
        impl_->send_and_receive(part(sent, sent_bytes, to), narrow<int>(to),
                                part(received, received_bytes, from), narrow<int>(from));
    }
}

void Communicator::barrier() const {
    const Exchanges::Inside inside(impl_->watch_line.exchanges, "MPI_Barrier");
    check(MPI_Barrier(impl_->all), "MPI_Barrier");
}

void Communicator::abort(ExitCode code, std::string_view text) const {
    abort_all(code, text);
}

std::string host_name() {
    std::string name(MPI_MAX_PROCESSOR_NAME, '\0');
    int length = 0;
    check(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
    name.resize(narrow<std::size_t>(length));
    return name;
}

}  // namespace paralogit::comm
