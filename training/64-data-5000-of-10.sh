#!/usr/bin/env bash
# The clips and stills of denoiser 34: others than those of 52. From nothing. Seed 10. 16 minutes on two cores of a Sapphire Rapids that
# were shared with builds. Program: bd3ca14.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 5000 --stills 20000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-5000-of-10" --seed 10 "$@"
