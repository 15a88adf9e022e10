#include "paralogit/train/parallel_file.hpp"

#include <fmt/format.h>

#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

void check_target(const std::filesystem::path& target, bool may_replace, std::string_view option) {
    std::error_code
        ignored;  // what cannot be looked at cannot be written either, and says why then
    if (!may_replace && std::filesystem::exists(std::filesystem::symlink_status(target, ignored))) {
        throw Error(ExitCode::usage,
                    fmt::format("{}: exists already; choose another {} or give --overwrite",
                                target.string(), option));
    }
}

ParallelFile::ParallelFile(const comm::Communicator& comm, const std::filesystem::path& target,
                           bool may_replace,
                           const std::function<void(const std::filesystem::path&)>& prepare,
                           std::string_view option)
    : comm_(comm), target_(target) {
    std::string path;
    comm::on_root(comm, [&] {
        check_target(target, may_replace, option);
        file_ = std::make_unique<OutputFile>(target);
        prepare(file_->temporary_path());
        path = file_->temporary_path().string();
    });
    comm.broadcast(path);
    temporary_path_ = path;
}

void ParallelFile::write(Index offset, std::span<const std::byte> bytes) const {
    write_at(temporary_path_, offset, bytes, target_);
}

void ParallelFile::commit() {
    comm_.barrier();
    comm::on_root(comm_, [&] { file_->commit(); });
}

}  // namespace paralogit::train
