#!/usr/bin/env bash
# Denoiser 6, from denoiser 5 (08), on latents of 10. Seed 0. Stopped after 49 minutes on two cores of a Zen 5, 10006
# steps. Not kept. Program: a33d1a7.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 108
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-9000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-6" --init-from "$runs/denoiser-5" \
    --learning-rate 1e-3 --warmup-steps 50 --final-learning-rate-share 0.02 --ema-decay 0.999 \
    --still-share 0.45..0.3 --close-up-share 0.5..0.3 --timestep-shift 4 --logit-std 1.4 \
    --naming-weight 0.15..0.05 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
