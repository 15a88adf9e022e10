#include "page_survey.hpp"

#include <sys/resource.h>

namespace paralogit::data {

namespace {

/// Of this thread since it began.
struct Faults {
    long from_memory = 0;
    long from_disk = 0;
};

Faults faults_so_far() {
    struct rusage usage {};
    ::getrusage(RUSAGE_THREAD, &usage);
    return {.from_memory = usage.ru_minflt, .from_disk = usage.ru_majflt};
}

}  // namespace

Pages look_at_pages(const MappedFile& mapped, Range bytes) {
    const Faults before = faults_so_far();
    mapped.populate(bytes.first, 1);
    const Faults between = faults_so_far();
    mapped.populate(bytes.first + bytes.size() / 2, 1);
    const Faults after = faults_so_far();
    if (after.from_disk > before.from_disk) {
        return Pages::on_disk;
    }
    // A thread that has the rows before may have mapped the first with the last of its own.
    return after.from_memory > between.from_memory ? Pages::small : Pages::huge;
}

Pages bring_huge_page(const MappedFile& mapped, Range bytes) {
    const Faults before = faults_so_far();
    mapped.populate(bytes.first, 1);
    return faults_so_far().from_disk > before.from_disk ? Pages::on_disk : Pages::huge;
}

Pages PageSurvey::recall(Index page) {
    std::atomic<std::int8_t>& note = notes_.at(static_cast<std::size_t>(page));
    const std::int8_t passes = note;
    if (passes == 0) {
        return Pages::unknown;
    }
    note = static_cast<std::int8_t>(passes > 0 ? passes - 1 : passes + 1);
    return passes > 0 ? Pages::huge : Pages::small;
}

void PageSurvey::note(Index page, Pages pages) {
    std::int8_t passes = 0;
    if (pages == Pages::huge || pages == Pages::small) {
        // Not all of them are unknown again in the same pass.
        passes = static_cast<std::int8_t>(most_passes - page % (most_passes / 2));
    }
    notes_.at(static_cast<std::size_t>(page)) =
        pages == Pages::small ? static_cast<std::int8_t>(-passes) : passes;
}

}  // namespace paralogit::data
