#!/usr/bin/env bash
# Denoiser 14, from denoiser 13 (23), on latents of 21. Seed 0. 14 minutes on two cores of a Zen 4, 1034 steps. Not
# kept. Program: a090535.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 14
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-4" \
    --vae "$runs/autoencoder-2/vae" --output "$runs/denoiser-14" --init-from "$runs/denoiser-13" \
    --preconditioned-after 12 --freeze-text-encoder --muon --learning-rate 1e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.05 --ema-decay 0.998 --still-share 0.5..0.3 --several-share 0.6 \
    --close-up-share 0.35..0.15 --timestep-shift 2.5 --logit-std 1.4 --naming-weight 0.2..0.05 \
    --guidance-scale 3 --sample-steps 30 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 \
    --shared-share 0.75 --independent-share 0.1 --seed 0 "$@"
