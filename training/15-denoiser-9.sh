#!/usr/bin/env bash
# Denoiser 9, from denoiser 8 (13) with the text encoder of 14, which learns on, on latents of 10. Seed 0. Stopped
# after 14 minutes on two cores of a Zen 5, 2993 steps. Not kept. Program: 16e168f.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 100
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-9000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-9" --init-from "$runs/denoiser-8" \
    --init-from "$runs/text-encoder" --learning-rate 1e-3 --warmup-steps 100 --final-learning-rate-share 0.3 \
    --ema-decay 0.998 --still-share 0.65..0.3 --close-up-share 0.25..0.15 --timestep-shift 4 --logit-std 1.4 \
    --naming-weight 0.3..0.05 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
