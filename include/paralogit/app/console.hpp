#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace paralogit::app {

enum class Verbosity { quiet, normal, verbose };

/// Rank 0's terminal or log: results to stdout, progress and remarks to stderr. Prints nothing on
/// other ranks.
class Console {
  public:
    Console(bool is_root, Verbosity verbosity);

    /// A result, whatever the verbosity.
    void result(const std::string& text);
    /// Whether stdout did not take one, on this rank.
    bool has_lost_results() const { return has_lost_results_; }
    /// A line of progress.
    void info(const std::string& text);
    /// A line that --verbose adds.
    void detail(const std::string& text);
    void warning(const std::string& text);
    void error(const std::string& text);
    /// Names and values in two columns under a heading, as progress.
    void table(const std::string& heading,
               const std::vector<std::pair<std::string, std::string>>& rows);

    /// A line that the next one replaces on a terminal. In a log, lines are printed one below the
    /// other, but after the first ones not more often than every few seconds, unless verbose.
    void progress(const std::string& text);

  private:
    void end_live_line();

    bool is_root_;
    Verbosity verbosity_;
    bool is_terminal_;
    bool has_live_line_ = false;
    bool has_lost_results_ = false;
    int progress_lines_ = 0;
    std::chrono::steady_clock::time_point last_progress_;
};

}  // namespace paralogit::app
