#!/usr/bin/env bash
# The judge's networks, the embedded ones, from those of 42; half of the lessons are seen in a mirror. Seed 3. 95 minutes on two
# cores that were shared with builds, 3266 batches.
# Program: 11b0970, where --init-from meant --whole-clips.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 95
"${KINORA:-target/release/kinora}" train judge --output "$runs/judge-4" --init-from "$runs/judge-3" --whole-clips \
    --learning-rate 1.5e-3 --muon --warmup-steps 20 --final-learning-rate-share 0.01 --ema-decay 0.995 \
    --max-grad-norm 3 --seed 3 "$@"
