#!/usr/bin/env bash
# The clips and stills of denoisers 35 and 36: others than those of 64. From nothing. Seed 11. 12 minutes on two cores of a Sapphire Rapids
# that were shared with builds. Program: e3ecb49.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 5000 --stills 20000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-5000-of-11" --seed 11 "$@"
