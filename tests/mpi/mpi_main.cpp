// The main of all MPI test programs: every rank runs every test. Failures are printed by the rank
// that has them, passes by rank 0 alone; a failed ASSERT on one rank ends all ranks, since the
// others would wait for it in the next message; the exit code is the same everywhere.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <sstream>
#include <string>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/comm/session.hpp"

namespace {

using paralogit::ExitCode;
using paralogit::comm::Communicator;
using paralogit::comm::Session;

class RankPrinter : public testing::EmptyTestEventListener {
  public:
    explicit RankPrinter(const Communicator& comm) : comm_(comm) {}

  private:
    // GoogleTest holds its lock while it reports a result, so it cannot be asked for the test then.
    void OnTestStart(const testing::TestInfo& test) override {
        test_name_ = std::string(test.test_suite_name()) + "." + test.name();
    }

    void OnTestPartResult(const testing::TestPartResult& result) override {
        if (!result.failed()) {
            return;
        }
        std::ostringstream text;
        text << "[rank " << comm_.rank() << "] "
             << (result.file_name() != nullptr ? result.file_name() : "unknown file") << ':'
             << result.line_number() << ": failure in " << test_name_ << '\n'
             << result.message() << '\n';
        static_cast<void>(std::fputs(text.str().c_str(), stderr));
        if (result.fatally_failed()) {
            comm_.abort(ExitCode::internal, "a fatal test failure ends all ranks");
        }
    }

    void OnTestEnd(const testing::TestInfo& test) override {
        if (comm_.is_root()) {
            const bool passed = test.result()->Passed();
            fmt::print("[{}] {}\n", passed ? "passed" : "FAILED", test_name_);
            static_cast<void>(std::fflush(stdout));
        }
    }

    const Communicator& comm_;
    std::string test_name_ = "no test";
};

/// 0 when all tests passed on all ranks, and there was at least one.
int run_tests(const Communicator& comm) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    auto printer = std::make_unique<RankPrinter>(comm);
    listeners.Append(printer.release());

    bool has_failed = RUN_ALL_TESTS() != 0;
    const int tests = testing::UnitTest::GetInstance()->test_to_run_count();
    if (tests == 0) {
        fmt::print(stderr, "[rank {}] no test ran\n", comm.rank());
        has_failed = true;
    }
    const paralogit::Index failed_ranks = comm.sum(paralogit::Index{has_failed ? 1 : 0});
    if (comm.is_root()) {
        fmt::print("{} tests on {} ranks, failures on {} ranks\n", tests, comm.size(),
                   failed_ranks);
    }
    return failed_ranks == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Session session(argc, argv);
        testing::InitGoogleTest(&argc, argv);
        const Communicator comm = Communicator::world();
        return run_tests(comm);
    } catch (const std::exception& error) {
        fmt::print(stderr, "the test program failed: {}\n", error.what());
        return 1;
    }
}
