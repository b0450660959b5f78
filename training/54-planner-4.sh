#!/usr/bin/env bash
# The planner, from the embedded one before (48), with poses. Seed 3. 39 minutes on one core of a Sapphire Rapids, 731 steps, the first 346
# of them without AMX and beside the rendering of data. Program: 5588551.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 39
"${KINORA:-target/release/kinora}" train planner --text-encoder "$runs/kept/denoiser-23/text_encoder" \
    --output "$runs/planner-4" --init-from "$runs/kept/denoiser-26" --muon --batch-scenes 128 --learning-rate 1.5e-3 --warmup-steps 20 \
    --final-learning-rate-share 0.01 --ema-decay 0.997 --shared-share 0.72 --independent-share 0.03 \
    --dense-share 0.75 --still-camera-share 0.9 --timestep-shift 1 --logit-std 1.4 --prompt-dropout 0.1 --seed 3 "$@"
