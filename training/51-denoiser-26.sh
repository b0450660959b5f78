#!/usr/bin/env bash
# Denoiser 26, the embedded one, from denoiser 25 (50), for which things count more. Seed 0. 43 minutes, 1566 steps, on one core of
# a Zen 4 for 18 of them, and two for the rest. Program: c6012a6.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 43
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-8" \
    --vae "$runs/kept/denoiser-23/vae" --output "$runs/denoiser-26" --init-from "$runs/denoiser-25" \
    --tracks --tracks-dropout 0.15 --teacher "$runs/kept/denoiser-23" --preconditioned-after 11 \
    --freeze-text-encoder --muon --neighbours --learning-rate 1.2e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.03 --ema-decay 0.997 --batch-stills 32 --batch-clips 6 --still-share 0.12..0.08 \
    --several-share 0.6 --close-up-share 0.1 --timestep-shift 2.5 --logit-std 1.4 --guidance-scale 1 \
    --sample-steps 8 --shared-share 0.6 --independent-share 0.1 --first-frame-share 0.1 --seed 0 \
    --prompt-dropout 0.1 --own-guidance 0.3..0.5 --things-weight 4 "$@"
