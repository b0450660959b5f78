#!/usr/bin/env bash
# Denoiser 11, from denoiser 10 (16), on latents of 10. Seed 0. 70 minutes on two cores of a Zen 5, 15839 steps. Kept.
# Program: 16e168f.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 70
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-9000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-11" --init-from "$runs/denoiser-10" \
    --freeze-text-encoder --learning-rate 1e-3 --warmup-steps 50 --final-learning-rate-share 0.02 \
    --ema-decay 0.999 --still-share 0.7..0.3 --several-share 0.6 --close-up-share 0.25..0.15 --timestep-shift 4 \
    --logit-std 1.4 --naming-weight 0.9..0.05 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 \
    --shared-share 0.75 --independent-share 0.1 --seed 0 "$@"
