#!/usr/bin/env bash
# Denoiser 1: text encoder and transformer from nothing, on latents of 03. Seed 0. 106 minutes on two cores of a Zen
# 4, the first 45 on one of them, 6360 steps. Kept. Program: a7b4c94.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 106
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-3000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-1" --learning-rate 1e-3 --warmup-steps 100 \
    --final-learning-rate-share 0.02 --ema-decay 0.998 --still-share 0.7..0.25 --close-up-share 0.6..0.2 \
    --timestep-shift 3 --logit-std 1.1 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 \
    --shared-share 0.75 --independent-share 0.1 --seed 0 "$@"
