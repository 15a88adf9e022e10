#include "paralogit/base/up.hpp"
#include "paralogit/optim/solver.hpp"
