#!/usr/bin/env bash
# Denoiser 15, from denoiser 14 (24), on latents of 21. Seed 0. Stopped after 5 minutes on two cores of a Zen 4, 350
# steps. Not kept. Program: a090535.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 60
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-4" \
    --vae "$runs/autoencoder-2/vae" --output "$runs/denoiser-15" --init-from "$runs/denoiser-14" \
    --preconditioned-after 12 --freeze-text-encoder --muon --learning-rate 1.2e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.05 --ema-decay 0.998 --still-share 0.1 --several-share 0.5 \
    --close-up-share 0.15..0.1 --timestep-shift 2.5 --logit-std 1.4 --naming-weight 0.1..0.05 --guidance-scale 3 \
    --sample-steps 30 --batch-stills 24 --batch-clips 8 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
