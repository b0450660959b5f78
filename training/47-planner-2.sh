#!/usr/bin/env bash
# The planner, from 46, with more of little noise. Seed 1. Stopped after 7 minutes of 30 on one core of a Zen 4, 238 steps. Program:
# 0b69f35, in which --still-camera-share was 0.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 30
"${KINORA:-target/release/kinora}" train planner --text-encoder "$runs/kept/denoiser-23/text_encoder" \
    --output "$runs/planner-2" --init-from "$runs/planner-1" --muon --batch-scenes 128 --learning-rate 1.5e-3 --warmup-steps 20 \
    --final-learning-rate-share 0.01 --ema-decay 0.997 --shared-share 0.7 --independent-share 0.05 \
    --timestep-shift 0.8 --logit-std 1.4 --still-camera-share 0 --seed 1 "$@"
