#pragma once

namespace paralogit::comm {

/// MPI from start to end of the process. One per process, made first in main and destroyed last.
/// Destroyed by an exception on its way out it aborts all ranks, since the others may be waiting
/// for this one; an error that all ranks share is caught before that. @collective
class Session {
  public:
    /// Throws Error (internal) when MPI cannot be started or has been started before.
    Session(int& argc, char**& argv);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
};

}  // namespace paralogit::comm
