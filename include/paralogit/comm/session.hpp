#pragma once

#include <string>

#include "paralogit/base/error.hpp"

namespace paralogit::comm {

/// Several processes were started as the ranks of one job, but MPI made each of them a job of its
/// own: the launcher is not the one of this MPI. Each process gets it.
class WrongLauncher : public Error {
  public:
    WrongLauncher(const std::string& text, bool is_first)
        : Error(ExitCode::usage, text), is_first_(is_first) {}

    /// Whether this is the one of them that should tell the user.
    bool is_first() const { return is_first_; }

  private:
    bool is_first_;
};

/// Which MPI this is, as "Open MPI v4.1.4". Not collective; MPI need not be started.
std::string library_version();

/// MPI from start to end of the process. One per process, made first in main and destroyed last.
/// Destroyed by an exception on its way out it aborts all ranks, since the others may be waiting
/// for this one; an error that all ranks share is caught before that. @collective
class Session {
  public:
    /// Throws Error (internal) when MPI cannot be started or has been started before, and
    /// WrongLauncher.
    Session(int& argc, char**& argv);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
};

}  // namespace paralogit::comm
