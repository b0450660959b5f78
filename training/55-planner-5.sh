#!/usr/bin/env bash
# The planner, the embedded one, from 54. Seed 4. 46 minutes on one core of a Sapphire Rapids, 1297 steps. Program: 5588551.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 46
"${KINORA:-target/release/kinora}" train planner --text-encoder "$runs/kept/denoiser-23/text_encoder" \
    --output "$runs/planner-5" --init-from "$runs/planner-4" --muon --batch-scenes 128 --learning-rate 1.5e-3 --warmup-steps 20 \
    --final-learning-rate-share 0.01 --ema-decay 0.998 --shared-share 0.75 --independent-share 0.03 \
    --dense-share 0.8 --still-camera-share 0.9 --timestep-shift 1 --logit-std 1.4 --prompt-dropout 0.1 --seed 4 "$@"
