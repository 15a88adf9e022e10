#include "paralogit/app/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace paralogit::app {

namespace {

constexpr int lines_before_thinning = 10;
constexpr std::chrono::seconds between_lines{5};

/// A log that nobody can take is no reason to end a run.
void print_to_log(const std::string& text) {
    static_cast<void>(std::fputs(text.c_str(), stderr));
}

}  // namespace

Console::Console(bool is_root, Verbosity verbosity)
    : is_root_(is_root), verbosity_(verbosity), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void Console::result(const std::string& text) {
    if (is_root_) {
        end_live_line();
        const bool is_written =
            std::fputs((text + "\n").c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
        has_lost_results_ = has_lost_results_ || !is_written;
    }
}

void Console::info(const std::string& text) {
    if (is_root_ && verbosity_ != Verbosity::quiet) {
        end_live_line();
        print_to_log(fmt::format("{}\n", text));
    }
}

void Console::detail(const std::string& text) {
    if (verbosity_ == Verbosity::verbose) {
        info(text);
    }
}

void Console::warning(const std::string& text) {
    if (is_root_) {
        end_live_line();
        print_to_log(fmt::format("paralogit: warning: {}\n", text));
    }
}

void Console::error(const std::string& text) {
    if (is_root_) {
        end_live_line();
        print_to_log(fmt::format("paralogit: error: {}\n", text));
    }
}

void Console::table(const std::string& heading,
                    const std::vector<std::pair<std::string, std::string>>& rows) {
    std::string text = heading;
    std::size_t width = 0;
    for (const auto& [name, value] : rows) {
        width = std::max(width, name.size());
    }
    for (const auto& [name, value] : rows) {
        text += fmt::format("\n  {:<{}}  {}", name, width, value);
    }
    info(text);
}

void Console::progress(const std::string& text) {
    if (!is_root_ || verbosity_ == Verbosity::quiet) {
        return;
    }
    if (is_terminal_ && verbosity_ == Verbosity::normal) {
        // "Erase to the end of the line", for a line shorter than the one before.
        print_to_log(fmt::format("\r{}\033[K", text));
        static_cast<void>(std::fflush(stderr));
        has_live_line_ = true;
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    const bool is_due = progress_lines_ < lines_before_thinning ||
                        verbosity_ == Verbosity::verbose || now - last_progress_ >= between_lines;
    if (is_due) {
        print_to_log(fmt::format("{}\n", text));
        ++progress_lines_;
        last_progress_ = now;
    }
}

void Console::end_live_line() {
    if (has_live_line_) {
        print_to_log("\n");
        has_live_line_ = false;
    }
}

}  // namespace paralogit::app
