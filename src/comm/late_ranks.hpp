#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paralogit::comm {

/// What is known of another rank while this one waits in an exchange; times in seconds since it
/// began to wait.
struct Peer {
    std::uint64_t steps = 0;      ///< its count of exchanges, as it said last
    double idle_seconds = 0;      ///< without a sign of life, as it said last
    std::optional<double> heard;  ///< when it said so
    std::optional<double> asked;  ///< since when it owes an answer
};

/// A rank that has not come to the exchange in which others wait.
struct LateRank {
    int rank = 0;
    bool is_silent = false;       ///< it does not answer
    double lifeless_seconds = 0;  ///< without a sign of life
};

/// Whether the rank owes an answer for longer than it takes to give one.
bool is_silent(const Peer& peer, double now, double patience_seconds);

/// Whether it is known to wait in this exchange, or to have left it. One that has said so stays
/// there, but can fall silent.
bool is_here(const Peer& peer, std::uint64_t own_steps);

/// Whether it waits too, in this exchange or another: an earlier one when what ended that has
/// reached this rank but not the peer. If that lasts the peer finds out itself.
bool is_waiting(const Peer& peer);

/// Those of all ranks but `own` that are neither here nor on their way to say so.
std::vector<LateRank> late_ranks(const std::vector<Peer>& peers, int own, std::uint64_t own_steps,
                                 double now, double patience_seconds);

/// "rank 3 on n2, which does not answer, and rank 5 on n3, which is at work": the first few of
/// them.
std::string text_of(const std::vector<LateRank>& late, const std::vector<std::string>& hosts);

}  // namespace paralogit::comm
