#!/usr/bin/env bash
# The planner, for the text encoder of 14. From nothing. Seed 0. 30 minutes on one core of a Zen 4, 813 steps. Program: b037bb2, in which
# --still-camera-share was 0.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 30
"${KINORA:-target/release/kinora}" train planner --text-encoder "$runs/kept/denoiser-23/text_encoder" \
    --output "$runs/planner-1" --muon --batch-scenes 128 --learning-rate 2e-3 --warmup-steps 50 \
    --final-learning-rate-share 0.02 --ema-decay 0.998 --shared-share 0.7 --independent-share 0.05 \
    --still-camera-share 0 --logit-std 1.2 --seed 0 "$@"
