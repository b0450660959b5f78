#!/usr/bin/env bash
# The judge's networks, the embedded ones, from those of 35. Seed 0. 24 minutes on two shared cores, 1001 batches.
# Program: c67b663.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 24
"${KINORA:-target/release/kinora}" train judge --output "$runs/judge-2" --init-from "$runs/judge-1" \
    --learning-rate 1.5e-3 --muon --warmup-steps 20 --final-learning-rate-share 0.01 --ema-decay 0.99 \
    --max-grad-norm 3 --seed 0 "$@"
