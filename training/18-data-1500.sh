#!/usr/bin/env bash
# The clips and stills of autoencoders 2 and 3: with the same program the first of the larger data sets. Seed 0.
# Program: 59214a5.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 1500 --stills 6000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-1500" --seed 0 "$@"
