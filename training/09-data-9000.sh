#!/usr/bin/env bash
# The clips and stills of denoisers 6 to 11, with captions that leave nothing out among theirs. From nothing. Seed 0.
# Program: 42622ce.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --clips 9000 --stills 60000 --validation 48
"${KINORA:-target/release/kinora}" train data --output "$runs/data-9000" --seed 0 "$@"
