#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit {
class TraceLane;
}

namespace paralogit::comm {

struct WatchLine;

/// The ranks of a job and the few things that they do together. Every function but rank, size,
/// is_root, abort and those about time is @collective. An MPI call that fails cannot be agreed
/// upon: it is printed and aborts the job, and so does a lack of memory inside a call. A span has
/// the same length on every rank. Counts beyond 2^31 are sent in pieces.
class Communicator {
  public:
    /// How many values (bytes of a string) one MPI call carries at most, unless told otherwise: few
    /// enough for 8 MiB of integers to be added up in the cache. The 160 MB of a gradient of ten
    /// million features take half the time that they take in calls of 128 MiB, and each call is
    /// still long beside the latency of any network.
    static constexpr Index default_values_per_call = Index{1} << 20;

    /// All ranks of the session, on a communicator of our own. `values_per_call` >= 1, the same on
    /// all ranks.
    static Communicator world(Index values_per_call = default_values_per_call);
    ~Communicator();
    Communicator(Communicator&&) noexcept;
    Communicator& operator=(Communicator&&) noexcept;

    int rank() const;
    int size() const;
    bool is_root() const { return rank() == 0; }

    /// Sums over ranks, in place. The sum of integers has the same bits for any number of ranks;
    /// the sum of doubles has not.
    void sum(std::span<std::int64_t> values) const;
    void sum(std::span<double> values) const;
    Index sum(Index value) const;
    /// Maxima over ranks, in place. Integers only: MPI_MAX of doubles drops NaNs.
    void max(std::span<std::int32_t> values) const;
    Index max(Index value) const;
    Index min(Index value) const;

    /// Sum over the ranks below this one; 0 on rank 0.
    Index sum_of_lower_ranks(Index value) const;
    /// The same place by place, in place.
    void sum_of_lower_ranks(std::span<Index> values) const;
    /// Sum over the ranks that share this host's memory.
    Index sum_on_host(Index value) const;

    /// What `root` has, on every rank. The string may differ in length.
    void broadcast(std::span<double> values, int root = 0) const;
    void broadcast(std::string& bytes, int root = 0) const;
    /// Every rank's string, in the order of ranks.
    std::vector<std::string> all_gather(std::string_view bytes) const;

    /// Gives values[r] to rank r; returns what each rank had for this one.
    std::vector<Index> exchange(std::span<const Index> values) const;
    /// Gives each rank its part of `sent`, and takes from each its part for this one: the parts lie
    /// one after the other, in the order of ranks, and sent_bytes[r] and received_bytes[r] long.
    /// The lengths differ from rank to rank; what rank r sends here is received_bytes[r] there.
    void exchange(std::span<const std::byte> sent, std::span<const Index> sent_bytes,
                  std::span<std::byte> received, std::span<const Index> received_bytes) const;

    void barrier() const;

    /// Seconds that this rank has spent in functions that are collective, so far: waiting for the
    /// others, and messages.
    double exchange_seconds() const;
    /// Where these functions are noted, by the names of MPI's; null: nowhere. The lane must outlive
    /// that.
    void note_exchanges_in(TraceLane* lane) const;

    /// Ends all ranks at once. For failures that cannot be agreed upon; writes `text` to stderr,
    /// after the rank.
    [[noreturn]] void abort(ExitCode code, std::string_view text) const;

  private:
    friend class Watchdog;
    const WatchLine& watch_line() const;

    struct Impl;
    explicit Communicator(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// The name of the host that this rank runs on, as MPI has it. Not collective.
std::string host_name();

}  // namespace paralogit::comm
