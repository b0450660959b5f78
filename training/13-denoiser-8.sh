#!/usr/bin/env bash
# Denoiser 8, from denoiser 7 as it is kept (00), on latents of 10. Seed 0. Stopped after 20 minutes on two cores of a
# Zen 5, 4041 steps. Not kept. Program: 16e168f.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 100
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-9000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-8" --init-from "$runs/kept/denoiser-7" \
    --learning-rate 1e-3 --warmup-steps 50 --final-learning-rate-share 0.3 --ema-decay 0.998 \
    --still-share 0.5..0.4 --close-up-share 0.3..0.2 --timestep-shift 4 --logit-std 1.4 --naming-weight 0.2 \
    --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 --independent-share 0.1 \
    --seed 0 "$@"
