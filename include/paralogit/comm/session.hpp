#pragma once

namespace paralogit::comm {

/// MPI from start to end of the process. One per process, made first in main and destroyed last.
/// @collective
class Session {
  public:
    Session(int& argc, char**& argv);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
};

}  // namespace paralogit::comm
