#include "late_ranks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace paralogit::comm {

bool is_silent(const Peer& peer, double now, double patience_seconds) {
    return peer.asked && now - *peer.asked > patience_seconds;
}

bool is_here(const Peer& peer, std::uint64_t own_steps) {
    return peer.heard && peer.steps >= own_steps;
}

bool is_waiting(const Peer& peer) {
    return peer.heard && peer.steps % 2 == 1;
}

std::vector<LateRank> late_ranks(const std::vector<Peer>& peers, int own, std::uint64_t own_steps,
                                 double now, double patience_seconds) {
    std::vector<LateRank> late;
    for (int rank = 0; rank < static_cast<int>(peers.size()); ++rank) {
        const Peer& peer = peers[static_cast<std::size_t>(rank)];
        const bool silent = is_silent(peer, now, patience_seconds);
        if (rank == own || (!silent && (!peer.heard || is_here(peer, own_steps)))) {
            continue;
        }
        // One that has never answered has been silent for as long as this rank waits.
        const double unheard = peer.heard ? now - *peer.heard : now;
        late.push_back(
            {.rank = rank,
             .is_silent = silent,
             .lifeless_seconds = silent ? unheard : std::min(peer.idle_seconds + unheard, now)});
    }
    return late;
}

std::string text_of(const std::vector<LateRank>& late, const std::vector<std::string>& hosts) {
    constexpr std::size_t most = 5;
    std::string text;
    for (std::size_t i = 0; i < std::min(late.size(), most); ++i) {
        const LateRank& one = late[i];
        // Between two looks every process seems idle.
        constexpr double short_pause = 3;
        const std::string state =
            one.is_silent ? fmt::format("has not answered for {:.0f} s", one.lifeless_seconds)
            : one.lifeless_seconds < short_pause
                ? std::string("is still at work")
                : fmt::format("answers but has done nothing for {:.0f} s", one.lifeless_seconds);
        text += fmt::format("{}rank {} on {} {}", i == 0 ? "" : "; ", one.rank,
                            hosts[static_cast<std::size_t>(one.rank)], state);
    }
    if (late.size() > most) {
        text += fmt::format("; and {} more", late.size() - most);
    }
    return text;
}

}  // namespace paralogit::comm
