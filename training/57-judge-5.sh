#!/usr/bin/env bash
# The judge's networks, the embedded ones, from those of 43: other lessons, as the seed is another. Seed 5. 100 minutes on two
# cores of an Intel Sapphire Rapids that were shared with builds, 20 of them on one core, 2608 batches.
# Program: 1d00230 for the first 329 batches, 13c2f1f for the others, with convolutions in tiles.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 100
"${KINORA:-target/release/kinora}" train judge --output "$runs/judge-5" --init-from "$runs/kept/judge-4" --whole-clips \
    --learning-rate 1.5e-3 --muon --warmup-steps 20 --final-learning-rate-share 0.01 --ema-decay 0.995 \
    --max-grad-norm 3 --seed 5 "$@"
