#!/usr/bin/env bash
# Denoiser 35, from 34: other clips, each of them once, and captions with all that happens. Seed 37. 33 minutes on two cores of a Sapphire
# Rapids that were shared with builds and measurements, 887 steps. Program: e3ecb49.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 33
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5000-of-11" \
    --vae "$runs/kept/denoiser-23/vae" --output "$runs/denoiser-35" --init-from "$runs/kept/denoiser-34" \
    --tracks --tracks-dropout 0.15 --teacher "$runs/kept/denoiser-23" --preconditioned-after 11 \
    --freeze-text-encoder --muon --neighbours --learning-rate 8e-4 --warmup-steps 30 \
    --final-learning-rate-share 0.03 --ema-decay 0.997 --batch-stills 32 --batch-clips 6 --still-share 0.12..0.08 \
    --several-share 0.6 --close-up-share 0.1 --timestep-shift 2.5 --logit-std 1.4 --guidance-scale 1 \
    --sample-steps 8 --shared-share 0.6 --independent-share 0.1 --first-frame-share 0.1 --seed 37 \
    --prompt-dropout 0.1 --own-guidance 0.4..0.5 --things-weight 4 \
    --things-evenness 0.5 --weather-weight 3 --detail-channels 64 --weather --change-weight 1 "$@"
