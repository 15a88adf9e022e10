#include "paralogit/comm/agreement.hpp"

#include <fmt/format.h>

#include <limits>
#include <new>
#include <string>

namespace paralogit::comm {

namespace {

constexpr Index no_error = std::numeric_limits<Index>::max();
constexpr Index error_without_row = no_error - 1;

Index order_of(const std::optional<Error>& own) {
    if (!own) {
        return no_error;
    }
    return own->global_row() == Error::no_row ? error_without_row : own->global_row();
}

/// 62 bits of FNV-1a over the text (Fowler, Noll, Vo): tells texts apart, needs no secrecy.
Index hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char character : text) {
        hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3U;
    }
    return static_cast<Index>(hash >> 2U);
}

struct Winner {
    int rank;
    bool all_ranks_say_the_same;
};

/// Among the ranks whose error has the order `lowest`, the lowest one.
Winner find_winner(const Communicator& comm, const std::optional<Error>& own, Index lowest) {
    const Index candidate = order_of(own) == lowest ? comm.rank() : comm.size();
    // A rank without an error differs from all texts.
    const Index hash = own ? hash_of(own->what()) : -1;
    const int rank = static_cast<int>(comm.min(candidate));
    const Index lowest_hash = comm.min(hash);
    const Index highest_hash = comm.max(hash);
    return {rank, lowest_hash == highest_hash};
}

}  // namespace

void agree(const Communicator& comm, const std::optional<Error>& own, NameRank naming) {
    const Index lowest = comm.min(order_of(own));
    if (lowest == no_error) {
        return;
    }
    const Winner winner = find_winner(comm, own, lowest);
    const bool is_mine = winner.rank == comm.rank();
    const bool has_row = lowest != error_without_row;

    const Index code = comm.max(is_mine ? static_cast<Index>(own->code()) : Index{0});
    std::string text;
    if (is_mine) {
        text = own->what();
    }
    comm.broadcast(text, winner.rank);
    if (naming == NameRank::when_it_matters && !has_row && !winner.all_ranks_say_the_same) {
        text = fmt::format("rank {} of {}: {}", winner.rank, comm.size(), text);
    }
    throw AgreedError(Error(static_cast<ExitCode>(code), text, has_row ? lowest : Error::no_row));
}

std::optional<Difference> find_difference(const Communicator& comm, const std::string& own) {
    const Index hash = hash_of(own);
    if (comm.min(hash) == comm.max(hash)) {
        return std::nullopt;
    }
    Index hash_of_root = comm.is_root() ? hash : 0;
    hash_of_root = comm.max(hash_of_root);
    Difference difference;
    difference.rank = static_cast<int>(comm.min(hash == hash_of_root ? comm.size() : comm.rank()));
    difference.host_of_root = host_name();
    difference.host = host_name();
    difference.text_of_root = own;
    difference.text = own;
    comm.broadcast(difference.host_of_root);
    comm.broadcast(difference.text_of_root);
    comm.broadcast(difference.host, difference.rank);
    comm.broadcast(difference.text, difference.rank);
    return difference;
}

Error error_from(const std::exception_ptr& caught) {
    try {
        std::rethrow_exception(caught);
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return {ExitCode::internal,
                "out of memory; use more nodes, or fewer ranks on each node, so that every rank's "
                "share of the data fits"};
    } catch (const std::exception& error) {
        return {ExitCode::internal, fmt::format("internal error: {}", error.what())};
    } catch (...) {
        return {ExitCode::internal, "internal error: an exception of unknown type"};
    }
}

}  // namespace paralogit::comm
