#!/usr/bin/env bash
# Denoiser 3, from denoiser 2 (05), on latents of 03. Seed 0. Stopped after 13 minutes on two cores of a Zen 5, 2520
# steps. Not kept. Program: a9a3f9e.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 78
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-3000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-3" --init-from "$runs/denoiser-2" \
    --learning-rate 1e-3 --warmup-steps 50 --final-learning-rate-share 0.02 --ema-decay 0.999 \
    --still-share 0.55..0.3 --close-up-share 0.6..0.3 --timestep-shift 5 --logit-std 1.1 \
    --naming-weight 0.25..0.05 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
