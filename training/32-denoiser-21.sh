#!/usr/bin/env bash
# Denoiser 21, from denoiser 20 (31), on latents of 27. Seed 0. Stopped after 20 minutes on two cores of a Zen 4, 303
# steps. Not kept. Program: 44e8fec.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 22
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-2" \
    --vae "$runs/autoencoder-3/vae" --output "$runs/denoiser-21" --init-from "$runs/denoiser-20" \
    --preconditioned-after 11 --freeze-text-encoder --muon --neighbours --learning-rate 3e-3 --warmup-steps 50 \
    --final-learning-rate-share 0.03 --ema-decay 0.998 --still-share 0.15..0.1 --several-share 0.6 \
    --close-up-share 0.1 --timestep-shift 2.5 --logit-std 1.4 --naming-weight 0.02..0.01 --guidance-scale 3 \
    --sample-steps 30 --shared-share 0.55 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 \
    --independent-share 0.1 --seed 0 "$@"
