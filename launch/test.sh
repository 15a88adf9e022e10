#!/usr/bin/env bash
# Installs what is missing on a Debian 12 machine, builds, and runs all tests; a second build runs
# them under AddressSanitizer and UndefinedBehaviorSanitizer.
#   ./launch/test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/packages.sh

# shellcheck disable=SC2086 # lists of names
install_packages $build_packages $test_packages
mpi_environment

echo "== format"
find include src tests -name '*.[ch]pp' -print0 | xargs -0 clang-format --dry-run --Werror

for preset in release asan-ubsan; do
    echo "== build: $preset"
    cmake --preset "$preset" -DPARALOGIT_BUILD_TESTS=ON
    cmake --build --preset "$preset"
    echo "== test: $preset"
    ctest --preset "$preset"
done
