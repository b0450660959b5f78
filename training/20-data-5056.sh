#!/usr/bin/env bash
# The clips and stills of denoisers 12 to 23. From nothing. Seed 0. Program: 59214a5.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 5056 --stills 57216 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-5056" --seed 0 "$@"
