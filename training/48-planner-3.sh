#!/usr/bin/env bash
# The planner, the embedded one, from 47, mostly of cameras that stand still. Seed 2. 26 minutes on one core of a Zen 4, 973 steps.
# Program: c6012a6.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 26
"${KINORA:-target/release/kinora}" train planner --text-encoder "$runs/kept/denoiser-23/text_encoder" \
    --output "$runs/planner-3" --init-from "$runs/planner-2" --muon --batch-scenes 128 --learning-rate 1.5e-3 --warmup-steps 20 \
    --final-learning-rate-share 0.01 --ema-decay 0.997 --shared-share 0.75 --independent-share 0.03 \
    --dense-share 0.8 --still-camera-share 0.9 --timestep-shift 1 --logit-std 1.4 --seed 2 "$@"
