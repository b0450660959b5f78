#!/usr/bin/env bash
# Denoiser 4, from denoiser 3 (06), on latents of 03. Seed 0. 64 minutes on two cores of a Zen 5, 15454 steps. Kept.
# Program: a9a3f9e.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 64
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-3000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-4" --init-from "$runs/denoiser-3" \
    --learning-rate 1e-3 --warmup-steps 50 --final-learning-rate-share 0.02 --ema-decay 0.999 \
    --still-share 0.5..0.3 --close-up-share 0.55..0.3 --timestep-shift 4 --logit-std 1.4 \
    --naming-weight 0.2..0.05 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
