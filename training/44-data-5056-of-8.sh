#!/usr/bin/env bash
# The clips and stills of denoiser 24: others than those of 20. From nothing. Seed 8. 9 minutes on two cores. Program: b037bb2.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 5056 --stills 20000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-5056-of-8" --seed 8 "$@"
