#!/usr/bin/env bash
# Puts the option tables that the program prints into README.md; a test compares the two.
#   launch/update-readme.sh build/release/paralogit
set -euo pipefail
cd "$(dirname "$0")/.."
tables=$(mktemp)
"$1" --help-markdown >"$tables"
sed -i -e '/<!-- begin: paralogit --help-markdown -->/,/<!-- end -->/{//!d}' \
    -e "/<!-- begin: paralogit --help-markdown -->/r $tables" README.md
rm -f "$tables"
