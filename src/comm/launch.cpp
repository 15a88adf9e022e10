#include "launch.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace paralogit::comm {

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
