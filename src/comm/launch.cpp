#include "launch.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace paralogit::comm {

namespace {

std::optional<long> number_in(const char* text) {
    if (text == nullptr) {
        return std::nullopt;
    }
    const std::string_view digits(text);
    long number = 0;
    const auto [end, failure] = std::from_chars(digits.begin(), digits.end(), number);
    return failure == std::errc() && end == digits.end() ? std::optional(number) : std::nullopt;
}

constexpr std::string_view slurm_step_tasks = "SLURM_STEP_NUM_TASKS";

}  // namespace

std::vector<std::pair<std::string, std::string>> settings_for_start(
    const std::function<const char*(const char*)>& variable) {
    // What mpirun, srun and other launchers set for each process that they start.
    constexpr std::array<const char*, 8> launchers{
        "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",   "PMIX_NAMESPACE", "PMI_RANK", "PMI_FD",
        "SLURM_PROCID",         "FLUX_JOB_ID", "ALPS_APP_PE"};
    const bool is_alone = std::ranges::none_of(
        launchers, [&](const char* name) { return variable(name) != nullptr; });
    const char* const ranks = variable("OMPI_COMM_WORLD_SIZE");
    const char* const ranks_here = variable("OMPI_COMM_WORLD_LOCAL_SIZE");
    const bool is_on_one_host = ranks != nullptr && ranks_here != nullptr &&
                                std::string_view(ranks) == std::string_view(ranks_here);
    if (is_alone) {
        // No daemon beside the process, which would only be needed to start more of them. Without
        // it all such processes have one name, and so would use, and remove, each other's files:
        // hence none.
        return {{"OMPI_MCA_pml", "ob1"},
                {"OMPI_MCA_btl", "self"},
                {"OMPI_MCA_ess_singleton_isolated", "1"},
                {"OMPI_MCA_orte_create_session_dirs", "0"}};
    }
    if (is_on_one_host) {
        return {{"OMPI_MCA_pml", "ob1"}, {"OMPI_MCA_btl", "^openib,ofi,uct,usnic"}};
    }
    return {};
}

std::optional<Task> task_of_launcher(const std::function<const char*(const char*)>& variable) {
    // From the nearest to the process: mpirun of Open MPI; that of MPICH, Intel MPI and others;
    // srun. SLURM_NTASKS is of the job, and stands in the shells of the user too.
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> launchers{{
        {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
        {"PMI_SIZE", "PMI_RANK"},
        {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
        {slurm_step_tasks, "SLURM_PROCID"},
    }};
    for (const auto& [count_name, number_name] : launchers) {
        const std::optional<long> count = number_in(variable(count_name.data()));
        if (count && *count >= 1) {
            const long number = number_in(variable(number_name.data())).value_or(0);
            return Task{.variable = std::string(count_name), .count = *count, .number = number};
        }
    }
    return std::nullopt;
}

bool is_without_process_manager(const Task& task,
                                const std::function<const char*(const char*)>& variable) {
    return task.variable == slurm_step_tasks && variable("PMIX_RANK") == nullptr &&
           variable("PMIX_NAMESPACE") == nullptr && variable("PMI_FD") == nullptr &&
           variable("PMI_RANK") == nullptr;
}

std::string wrong_launcher_text(const Task& task, const std::string& mpi) {
    const std::string what_to_do =
        task.variable == slurm_step_tasks
            ? fmt::format(
                  "start it by srun --mpi=pmix (srun --mpi=list shows what this SLURM has) "
                  "or by the mpirun of {}; for one process on purpose, srun --ntasks=1",
                  mpi)
            : fmt::format(
                  "start it by the mpirun that belongs to {}, or build it with the MPI "
                  "whose mpirun this was",
                  mpi);
    return fmt::format(
        "the launcher started {0} processes ({1}={0}), but to {2}, which this "
        "program uses, each of them is a job of one rank, and all would do the same "
        "work; {3}",
        task.count, task.variable, mpi, what_to_do);
}

void keep_plugins_loaded() {
    std::vector<std::string> plugins;
    dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* names) {
            const std::string_view name = object->dlpi_name;
            if (name.find("mca_") != std::string_view::npos) {
                static_cast<std::vector<std::string>*>(names)->emplace_back(name);
            }
            return 0;
        },
        &plugins);
    for (const std::string& plugin : plugins) {
        dlopen(plugin.c_str(), RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

}  // namespace paralogit::comm
