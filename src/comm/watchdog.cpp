#include "paralogit/comm/watchdog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"
#include "exchanges.hpp"
#include "exit_later.hpp"
#include "late_ranks.hpp"
#include "mpi_api.hpp"
#include "paralogit/base/checked.hpp"
#include "signs_of_life.hpp"
#include "thread_without_signals.hpp"

namespace paralogit::comm {

namespace {

/// Ask and answer are of one form; an answer says where its sender is.
struct Message {
    std::int64_t is_answer = 0;
    std::int64_t steps = 0;
    std::int64_t idle_milliseconds = 0;
};
constexpr int words_of_message = 3;

/// One message on its way at a time: none is queued for a rank that takes none.
class Outbox {
  public:
    bool is_free() {
        int is_sent = 1;
        if (request_ != MPI_REQUEST_NULL) {
            check(MPI_Test(&request_, &is_sent, MPI_STATUS_IGNORE), "MPI_Test");
        }
        return is_sent != 0;
    }

    void send(const Message& message, int rank, MPI_Comm comm) {
        words_ = {message.is_answer, message.steps, message.idle_milliseconds};
        check(MPI_Isend(words_.data(), words_of_message, MPI_INT64_T, rank, 0, comm, &request_),
              "MPI_Isend");
    }

  private:
    std::array<std::int64_t, words_of_message> words_{};
    MPI_Request request_ = MPI_REQUEST_NULL;
};

}  // namespace

/// The thread of one rank, and what it knows.
class Watchdog::Watch {
  public:
    Watch(const Communicator& comm, StallLimits limits, StallListener listener);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void change(StallLimits limits, StallListener listener);

  private:
    void set_limits(StallLimits limits);
    void run();
    /// One look, `seconds` after the last one.
    void look(double seconds);
    void take_messages();
    void ask(int rank);
    /// Whether a lower rank waits too, and so does what is to be done; or may yet say so.
    bool has_leader();
    void lead();

    const Exchanges& exchanges_;
    MPI_Comm messages_;
    const int rank_;
    StallLimits limits_;
    StallListener listener_;
    const std::vector<std::string> hosts_;
    double tick_seconds_ = 0;
    /// How long an answer may take: both sides look once in a tick, when they get to run.
    double patience_seconds_ = 0;
    bool may_send_ = false;
    std::vector<Outbox> questions_;
    std::vector<Outbox> answers_;

    SignsOfLife own_life_;
    std::uint64_t steps_ = 0;
    double waiting_seconds_ = 0;
    std::vector<Peer> peers_;
    std::optional<double> leads_since_;
    /// As the leader, since when no rank was late any more.
    std::optional<double> complete_since_;
    bool has_warned_ = false;
    bool has_stalled_ = false;

    std::mutex mutex_;  ///< of all of it while the thread runs
    std::condition_variable is_told_;
    bool has_new_limits_ = false;
    bool ends_ = false;
    std::thread thread_;
};

Watchdog::Watch::Watch(const Communicator& comm, StallLimits limits, StallListener listener)
    : exchanges_(comm.watch_line().exchanges),
      messages_(comm.watch_line().messages),
      rank_(comm.rank()),
      listener_(std::move(listener)),
      hosts_(comm.all_gather(host_name())),
      questions_(narrow<std::size_t>(comm.size())),
      answers_(narrow<std::size_t>(comm.size())),
      peers_(narrow<std::size_t>(comm.size())) {
    int granted = MPI_THREAD_SINGLE;
    check(MPI_Query_thread(&granted), "MPI_Query_thread");
    // Either all ranks send messages or none.
    may_send_ = comm.min(granted == MPI_THREAD_MULTIPLE ? 1 : 0) == 1;
    set_limits(limits);
    thread_ = thread_without_signals([this] { run(); });
}

Watchdog::Watch::~Watch() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    is_told_.notify_one();
    thread_.join();
}

void Watchdog::Watch::set_limits(StallLimits limits) {
    limits_ = limits;
    tick_seconds_ = std::clamp(std::min(limits.warn_seconds, limits.stall_seconds) / 10, 0.01, 1.0);
    patience_seconds_ = std::max(4 * tick_seconds_, 0.5);
}

void Watchdog::Watch::change(StallLimits limits, StallListener listener) {
    {
        const std::lock_guard lock(mutex_);
        set_limits(limits);
        listener_ = std::move(listener);
        has_new_limits_ = true;
    }
    is_told_.notify_one();
}

void Watchdog::Watch::run() {
    auto last = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (true) {
        const auto tick = std::chrono::duration<double>(tick_seconds_);
        is_told_.wait_for(lock, tick, [this] { return ends_ || has_new_limits_; });
        if (ends_) {
            return;
        }
        has_new_limits_ = false;
        const auto now = std::chrono::steady_clock::now();
        // While the whole job is suspended nobody is late.
        const double seconds =
            std::min(std::chrono::duration<double>(now - last).count(), 2 * tick_seconds_);
        last = now;
        look(seconds);
    }
}

void Watchdog::Watch::look(double seconds) {
    own_life_.look(seconds);
    const std::uint64_t steps = exchanges_.steps();
    if (steps == steps_ && steps % 2 == 1) {
        waiting_seconds_ += seconds;
    } else {
        waiting_seconds_ = 0;
        peers_.assign(peers_.size(), Peer{});
        leads_since_.reset();
        complete_since_.reset();
        has_warned_ = false;
    }
    steps_ = steps;
    if (may_send_) {
        take_messages();
    }
    if (waiting_seconds_ < std::min(limits_.warn_seconds, limits_.stall_seconds) || has_stalled_) {
        return;
    }
    if (may_send_) {
        if (!has_leader()) {
            lead();
        }
    } else if (waiting_seconds_ >= limits_.stall_seconds) {
        has_stalled_ = true;
        listener_.on_stall(fmt::format(
            "this rank has waited for others for {:.0f} s; this MPI cannot tell which (it does not "
            "let several threads send)",
            waiting_seconds_));
    }
}

void Watchdog::Watch::take_messages() {
    while (true) {
        int is_there = 0;
        MPI_Status status{};
        check(MPI_Iprobe(MPI_ANY_SOURCE, 0, messages_, &is_there, &status), "MPI_Iprobe");
        if (is_there == 0) {
            return;
        }
        const int source = status.MPI_SOURCE;
        const auto from = static_cast<std::size_t>(source);
        std::array<std::int64_t, words_of_message> words{};
        check(MPI_Recv(words.data(), words_of_message, MPI_INT64_T, source, 0, messages_,
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
        if (words[0] != 0) {
            Peer& peer = peers_[from];
            peer.steps = static_cast<std::uint64_t>(words[1]);
            peer.idle_seconds = static_cast<double>(words[2]) / 1e3;
            peer.heard = waiting_seconds_;
            peer.asked.reset();
        } else if (answers_[from].is_free()) {
            answers_[from].send(
                {.is_answer = 1,
                 .steps = static_cast<std::int64_t>(steps_),
                 .idle_milliseconds = static_cast<std::int64_t>(own_life_.idle_seconds() * 1e3)},
                source, messages_);
        }
    }
}

void Watchdog::Watch::ask(int rank) {
    const auto to = static_cast<std::size_t>(rank);
    if (!peers_[to].asked) {
        peers_[to].asked = waiting_seconds_;
        if (questions_[to].is_free()) {
            questions_[to].send({}, rank, messages_);
        }
    }
}

bool Watchdog::Watch::has_leader() {
    for (int lower = 0; lower < rank_; ++lower) {
        const Peer& peer = peers_[static_cast<std::size_t>(lower)];
        ask(lower);
        if (is_silent(peer, waiting_seconds_, patience_seconds_)) {
            continue;
        }
        if (!peer.heard || is_here(peer, steps_) || is_waiting(peer)) {
            leads_since_.reset();
            return true;
        }
    }
    return false;
}

void Watchdog::Watch::lead() {
    for (int rank = 0; rank < narrow<int>(peers_.size()); ++rank) {
        if (rank != rank_) {
            ask(rank);
        }
    }
    // At first nobody has had the time to answer.
    if (!leads_since_) {
        leads_since_ = waiting_seconds_;
    }
    if (waiting_seconds_ - *leads_since_ <= 2 * patience_seconds_) {
        return;
    }
    const std::vector<LateRank> late =
        late_ranks(peers_, rank_, steps_, waiting_seconds_, patience_seconds_);
    const std::string who =
        late.empty() ? std::string("all ranks are there, but their messages do not arrive")
                     : text_of(late, hosts_);
    // A rank that has just come at last is no reason to give up: the exchange goes on from then.
    if (!late.empty()) {
        complete_since_.reset();
    } else if (!complete_since_) {
        complete_since_ = waiting_seconds_;
    }
    double lifeless = late.empty() ? waiting_seconds_ - *complete_since_ : 0;
    for (const LateRank& one : late) {
        lifeless = std::max(lifeless, one.lifeless_seconds);
    }
    if (lifeless >= limits_.stall_seconds) {
        has_stalled_ = true;
        listener_.on_stall(
            fmt::format("the ranks have waited for {:.0f} s: {}", waiting_seconds_, who));
    } else if (!has_warned_) {
        has_warned_ = true;
        listener_.on_late(
            fmt::format("the ranks have waited for {:.0f} s: {}", waiting_seconds_, who));
    }
}

Watchdog::Watchdog(const Communicator& comm, StallLimits limits, StallListener listener)
    : comm_(comm) {
    if (comm.size() > 1) {
        watch_ = std::make_unique<Watch>(comm, limits, std::move(listener));
    }
}

void Watchdog::change(StallLimits limits, StallListener listener) {
    if (watch_) {
        // Answers are as fast as the limits of who gives them let them be.
        comm_.barrier();
        watch_->change(limits, std::move(listener));
    }
}

Watchdog::~Watchdog() {
    // A rank that ends early would seem to be silent.
    if (watch_ && std::uncaught_exceptions() == 0) {
        comm_.barrier();
    }
}

StallListener listener_that_ends_the_job(std::string advice) {
    return {
        .on_late =
            [](const std::string& text) {
                const std::string line = fmt::format("paralogit: warning: {}\n", text);
                static_cast<void>(std::fputs(line.c_str(), stderr));
            },
        .on_stall =
            [advice = std::move(advice)](const std::string& text) {
                exit_later(ExitCode::stalled);
                abort_all(ExitCode::stalled,
                          fmt::format("error: stalled: {}; the job ends (--stall-timeout). {}",
                                      text, advice));
            },
    };
}

}  // namespace paralogit::comm
