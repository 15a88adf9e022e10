#include "same_everywhere.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "paralogit/app/commands.hpp"
#include "paralogit/base/build_id.hpp"
#include "paralogit/base/bytes.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/comm/session.hpp"
#include "paralogit/h5/library.hpp"

namespace paralogit::app {

namespace {

using Given = std::map<std::string, std::vector<std::string>>;

[[noreturn]] void refuse(const std::string& text) {
    throw comm::AgreedError(Error(ExitCode::usage, text));
}

std::string rank_text(int rank, const std::string& host) {
    return fmt::format("rank {} on {}", rank, host);
}

[[noreturn]] void refuse_starts(const comm::Difference& ranks, const std::string& of_root,
                                const std::string& of_other) {
    refuse(fmt::format(
        "{} was started with {}, but {} with {}; start all ranks with the same "
        "command line",
        rank_text(0, ranks.host_of_root), of_root, rank_text(ranks.rank, ranks.host), of_other));
}

bool may_differ(std::string_view option) {
    constexpr std::array<std::string_view, 3> names{"threads", "memory-limit", "isa"};
    return std::ranges::find(names, option) != names.end();
}

std::string to_bytes(const Given& given) {
    ByteWriter bytes;
    bytes.put(static_cast<Index>(given.size()));
    for (const auto& [name, values] : given) {
        bytes.put(name);
        bytes.put(static_cast<Index>(values.size()));
        for (const std::string& value : values) {
            bytes.put(value);
        }
    }
    return bytes.take();
}

Given given_from(const std::string& bytes) {
    ByteReader reader(bytes);
    Given given;
    for (Index options = reader.number<Index>(); options > 0; --options) {
        std::vector<std::string>& values = given[reader.text()];
        values.resize(reader.count());
        for (std::string& value : values) {
            value = reader.text();
        }
    }
    return given;
}

/// The option as it was written.
std::string option_text(const OptionSpec& option, const Given& given) {
    const auto found = given.find(std::string(option.name));
    const bool is_positional = option.kind == OptionSpec::Kind::positional ||
                               option.kind == OptionSpec::Kind::positional_list;
    const std::string name =
        is_positional ? std::string(option.argument) : fmt::format("--{}", option.name);
    if (found == given.end()) {
        return "no " + name;
    }
    return option.kind == OptionSpec::Kind::flag
               ? name + (found->second.front() == "true" ? "" : "=false")
               : fmt::format("{} {}", name, fmt::join(found->second, " "));
}

}  // namespace

void require_same_program(const comm::Communicator& comm,
                          const std::vector<std::string>& arguments) {
    const std::string id = build_id();
    const std::string program =
        fmt::format("version {}{}, HDF5 {}, {}", version(), id.empty() ? "" : ", build " + id,
                    h5::library_version(), comm::library_version());
    if (const auto difference = comm::find_difference(comm, program)) {
        refuse(
            fmt::format("{} runs {}, but {} runs {}; install the same build, with the same "
                        "libraries, on all hosts",
                        rank_text(0, difference->host_of_root), difference->text_of_root,
                        rank_text(difference->rank, difference->host), difference->text));
    }
    const std::string command = arguments.empty() ? "no command" : arguments.front();
    if (const auto difference = comm::find_difference(comm, command)) {
        refuse_starts(*difference, difference->text_of_root, difference->text);
    }
}

void require_same_options(const comm::Communicator& comm, const CommandSpec& command,
                          const Given& given) {
    Given compared = given;
    std::erase_if(compared, [](const auto& option) { return may_differ(option.first); });
    const auto difference = comm::find_difference(comm, to_bytes(compared));
    if (!difference) {
        return;
    }
    const Given of_root = given_from(difference->text_of_root);
    const Given of_other = given_from(difference->text);
    for (const OptionSpec& option : command.options) {
        const std::string name(option.name);
        const bool is_same = of_root.contains(name) == of_other.contains(name) &&
                             (!of_root.contains(name) || of_root.at(name) == of_other.at(name));
        if (!is_same) {
            refuse_starts(*difference, option_text(option, of_root), option_text(option, of_other));
        }
    }
}

}  // namespace paralogit::app
