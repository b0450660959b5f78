#!/usr/bin/env bash
# The clips and stills of denoiser 27: others than those of 20 and 44. From nothing. Seed 9. 27 minutes on two cores of a Sapphire Rapids, one
# of them taken up by planner 4 for nine of these. Program: e9f89b1.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 3952 --stills 20000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-3952-of-9" --seed 9 "$@"
