#!/usr/bin/env bash
# The clips and stills of the encoder and of denoisers 1 to 5. From nothing. Seed 0. Program: a7b4c94.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 3000 --stills 24000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-3000" --seed 0 "$@"
