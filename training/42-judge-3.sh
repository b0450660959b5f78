#!/usr/bin/env bash
# The judge's networks, from those of 36, now mostly on whole clips. Seed 2. Stopped after 11 of 105 minutes on two cores that were
# shared with builds, 192 batches: no lesson was seen in a mirror yet.
# Program: what was to become 11b0970, where --init-from meant --whole-clips.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 105
"${KINORA:-target/release/kinora}" train judge --output "$runs/judge-3" --init-from "$runs/kept/judge-2" --whole-clips \
    --learning-rate 1.5e-3 --muon --warmup-steps 20 --final-learning-rate-share 0.01 --ema-decay 0.995 \
    --max-grad-norm 3 --seed 2 "$@"
