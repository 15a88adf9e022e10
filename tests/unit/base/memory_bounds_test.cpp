#include "paralogit/base/memory_bounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "support/files.hpp"

namespace paralogit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Index mebibyte = Index{1} << 20;

/// A machine made of files.
class MemoryBounds : public testing::Test {
  protected:
    void write(const std::string& name, const std::string& text) {
        const auto file = folder_.path() / name;
        std::filesystem::create_directories(file.parent_path());
        test::write_bytes(file, text);
    }

    MemorySurroundings surroundings() {
        MemorySurroundings surroundings;
        surroundings.proc = folder_.path() / "proc";
        surroundings.cgroups = folder_.path() / "cgroup";
        surroundings.variable = [this](const char* name) {
            const auto found = variables_.find(name);
            return found == variables_.end() ? nullptr : found->second.c_str();
        };
        return surroundings;
    }

    /// "bytes source / shared as"
    std::vector<std::string> found() {
        std::vector<std::string> texts;
        for (const MemoryBound& bound : memory_bounds(surroundings())) {
            texts.push_back(std::to_string(bound.bytes) + " " + bound.source + " / " +
                            bound.shared_as);
        }
        return texts;
    }

    test::TemporaryFolder folder_;
    std::map<std::string, std::string> variables_;
};

TEST_F(MemoryBounds, AreNoneWhereNothingIsKnown) {
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(MemoryBounds, IncludeWhatTheHostHasLeft) {
    write("proc/meminfo",
          "MemTotal: 100 kB\nMemFree: 7 kB\nMemAvailable:   50 kB\nBuffers: 1 kB\n");

    EXPECT_THAT(found(), ElementsAre("51200 the memory available on the host / host"));
}

TEST_F(MemoryBounds, OfVersion2AreThoseOfTheCgroupAndItsParents) {
    write("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
    write("cgroup/slurm/job_7/step_0/memory.max", "max\n");
    write("cgroup/slurm/job_7/memory.max", "8000\n");
    write("cgroup/slurm/memory.max", "9000\n");
    write("cgroup/slurm/job_8/memory.max", "1\n");

    EXPECT_THAT(
        found(),
        ElementsAre("8000 the memory limit of the cgroup /slurm/job_7 / cgroup /slurm/job_7",
                    "9000 the memory limit of the cgroup /slurm / cgroup /slurm"));
}

TEST_F(MemoryBounds, OfVersion1AreThoseOfTheMemoryController) {
    write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
    write("cgroup/memory/a/b/memory.limit_in_bytes", "7000\n");
    write("cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("cgroup/cpu,cpuacct/a/memory.limit_in_bytes", "1\n");

    EXPECT_THAT(found(), ElementsAre("7000 the memory limit of the cgroup /a/b / cgroup /a/b"));
}

TEST_F(MemoryBounds, OfAContainerStandAtTheTop) {
    write("proc/self/cgroup", "0::/docker/0123\nnonsense\n3:memory\n2:memory:\n");
    write("cgroup/memory.max", "6000\n");

    EXPECT_THAT(found(), ElementsAre("6000 the memory limit of the cgroup / / cgroup /"));
}

TEST_F(MemoryBounds, OfSlurmAreByNodeOrByCpu) {
    variables_ = {{"SLURM_MEM_PER_NODE", "4000"}};
    EXPECT_THAT(found(),
                ElementsAre(std::to_string(4000 * mebibyte) + " SLURM_MEM_PER_NODE / host"));

    variables_ = {
        {"SLURM_MEM_PER_CPU", "10"}, {"SLURM_CPUS_PER_TASK", "4"}, {"SLURM_CPUS_ON_NODE", "16"}};
    EXPECT_THAT(found(), ElementsAre(std::to_string(40 * mebibyte) + " SLURM_MEM_PER_CPU / "));

    variables_.erase("SLURM_CPUS_PER_TASK");
    EXPECT_THAT(found(), ElementsAre(std::to_string(160 * mebibyte) + " SLURM_MEM_PER_CPU / host"));

    variables_.erase("SLURM_CPUS_ON_NODE");
    EXPECT_THAT(found(), ElementsAre(std::to_string(10 * mebibyte) + " SLURM_MEM_PER_CPU / "));

    variables_ = {{"SLURM_MEM_PER_NODE", "0"}, {"SLURM_MEM_PER_CPU", "4G"}};
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(MemoryBounds, OfTheProcessAreLessWhatItUses) {
    write("proc/self/statm", "1000 500 100 10 0 200 0\n");
    const Index page = ::sysconf(_SC_PAGESIZE);
    MemorySurroundings own = surroundings();
    own.address_space_bytes = 1000 * mebibyte;
    own.data_bytes = 100;

    const std::vector<MemoryBound> bounds = memory_bounds(own);

    ASSERT_EQ(bounds.size(), 2U);
    EXPECT_EQ(bounds[0].bytes, 1000 * mebibyte - 1000 * page - 256 * mebibyte);
    EXPECT_THAT(bounds[0].source, HasSubstr("ulimit -v"));
    EXPECT_EQ(bounds[1].bytes, 0);
    EXPECT_EQ(bounds[1].shared_as, "");
}

TEST(OwnMemoryBounds, AreFoundOnThisMachine) {
    const std::vector<MemoryBound> bounds = memory_bounds(MemorySurroundings::own());

    ASSERT_FALSE(bounds.empty());
    EXPECT_EQ(bounds.front().source, "the memory available on the host");
    EXPECT_GT(bounds.front().bytes, mebibyte);
}

}  // namespace
}  // namespace paralogit
