#!/usr/bin/env bash
# From a fresh Debian 12 machine to a trained model: installs what is missing, builds, trains the
# two-class iris data on 2 ranks, evaluates the model, and says where everything is.
#   ./launch/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/packages.sh

echo "== 1. Packages"
# shellcheck disable=SC2086 # a list of names
install_packages $build_packages

echo "== 2. Build (a few minutes the first time)"
# Where tests were built already they stay.
tests=
[ -f build/release/CMakeCache.txt ] || tests=-DPARALOGIT_BUILD_TESTS=OFF
log=$(mktemp)
# shellcheck disable=SC2086 # no word or one
cmake --preset release $tests >"$log" 2>&1 || { cat "$log"; exit 1; }
rm -f "$log"
cmake --build build/release --target paralogit_main
paralogit=build/release/paralogit

echo "== 3. Train on configs/data/iris.h5: 100 flowers of two species, 4 measurements each"
mpi_environment
mpirun -n 2 "$paralogit" train configs/data/iris.h5 --l2 1e-3 --out runs/iris --overwrite

echo "== 4. Evaluate on the same rows"
"$paralogit" evaluate runs/iris/model.h5 configs/data/iris.h5

cat <<EOF
== 5. Where everything is
  program       $paralogit            ($paralogit --help)
  model         runs/iris/model.h5              coefficients and intercept, in the data's units
  checkpoints   runs/iris/checkpoints/          --resume goes on from the newest
  each step     runs/iris/metrics.jsonl         one JSON object per iteration
  summary       runs/iris/summary.json
  settings      runs/iris/config.used           repeat with: $paralogit train --config runs/iris/config.used --out DIR
  your own      mpirun -n 2 $paralogit train FILE.h5 --out DIR
EOF
