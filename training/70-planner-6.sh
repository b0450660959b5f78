#!/usr/bin/env bash
# Planner 6, the embedded one, from 55: three of ten scenes go on from what is known. Seed 8. 40 minutes beside denoiser 36 and builds on two
# cores of a Sapphire Rapids, 983 steps. Program: 5264105, of which one change was not there yet that no planner knows of.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 40
"${KINORA:-target/release/kinora}" train planner --text-encoder "$runs/kept/denoiser-23/text_encoder" \
    --output "$runs/planner-6" --init-from "$runs/planner-5" --muon --batch-scenes 128 --learning-rate 1.2e-3 --warmup-steps 20 \
    --final-learning-rate-share 0.01 --ema-decay 0.998 --shared-share 0.75 --independent-share 0.03 \
    --dense-share 0.8 --still-camera-share 0.9 --timestep-shift 1 --logit-std 1.4 --prompt-dropout 0.1 \
    --rare-share 0.1 --going-on-share 0.3 --seed 8 "$@"
