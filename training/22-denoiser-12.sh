#!/usr/bin/env bash
# Denoiser 12: denoiser 11 as it is kept (00), grown into latents of 21. Seed 0. Stopped after 23 minutes on two cores
# of a Zen 4, 1350 steps. Not kept.
# Its program had no gates for noise in its preconditioning, and was never committed. The first that has
# --preconditioned-after, a090535, has gates.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 56
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-4" \
    --vae "$runs/autoencoder-2/vae" --output "$runs/denoiser-12" --init-from "$runs/kept/denoiser-11" \
    --preconditioned-after 12 --freeze-text-encoder --muon --learning-rate 1.2e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.05 --ema-decay 0.998 --still-share 0.5..0.3 --several-share 0.6 \
    --close-up-share 0.35..0.15 --timestep-shift 2.5 --logit-std 1.4 --naming-weight 0.5..0.05 \
    --guidance-scale 3 --sample-steps 30 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 \
    --shared-share 0.75 --independent-share 0.1 --seed 0 "$@"
