// The main of all MPI test programs: every rank runs every test. Failures are printed by the rank
// that has them, passes by rank 0 alone; a failed ASSERT on one rank ends all ranks, since the
// others would wait for it in the next message; the exit code is the same everywhere.
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
    void OnTestPartResult(const testing::TestPartResult& result) override {
        if (!result.failed()) {
            return;
        }
        const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
        std::ostringstream text;
        text << "[rank " << comm_.rank() << "] "
             << (result.file_name() != nullptr ? result.file_name() : "unknown file") << ':'
             << result.line_number() << ": failure";
        if (test != nullptr) {
            text << " in " << test->test_suite_name() << '.' << test->name();
        }
        text << '\n' << result.message() << '\n';
        std::fputs(text.str().c_str(), stderr);
        if (result.fatally_failed()) {
            comm_.abort(ExitCode::internal, "a fatal test failure ends all ranks");
        }
    }

    void OnTestEnd(const testing::TestInfo& test) override {
        if (comm_.is_root()) {
            const bool passed = test.result()->Passed();
            std::printf("[%s] %s.%s\n", passed ? "passed" : "FAILED", test.test_suite_name(),
                        test.name());
            std::fflush(stdout);
        }
    }

    const Communicator& comm_;
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
        std::fprintf(stderr, "[rank %d] no test ran\n", comm.rank());
        has_failed = true;
    }
    const paralogit::Index failed_ranks = comm.sum(paralogit::Index{has_failed ? 1 : 0});
    if (comm.is_root()) {
        std::printf("%d tests on %d ranks, failures on %d ranks\n", tests, comm.size(),
                    static_cast<int>(failed_ranks));
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
        std::fprintf(stderr, "the test program failed: %s\n", error.what());
        return 1;
    }
}
