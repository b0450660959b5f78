#!/usr/bin/env bash
# Denoiser 36, the embedded one, from 35: it is shown which side of a thing is seen where. Seed 38. 62 minutes on two cores of a Sapphire
# Rapids that were shared with planner 6, builds and measurements, 1217 steps. Program: 5264105.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 62
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5000-of-11" \
    --vae "$runs/kept/denoiser-23/vae" --output "$runs/denoiser-36" --init-from "$runs/denoiser-35" \
    --tracks --tracks-dropout 0.15 --teacher "$runs/kept/denoiser-23" --preconditioned-after 11 \
    --freeze-text-encoder --muon --neighbours --learning-rate 1e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.03 --ema-decay 0.997 --batch-stills 32 --batch-clips 6 --still-share 0.12..0.08 \
    --several-share 0.6 --close-up-share 0.1 --timestep-shift 2.5 --logit-std 1.4 --guidance-scale 1 \
    --sample-steps 8 --shared-share 0.6 --independent-share 0.1 --first-frame-share 0.1 --seed 38 \
    --prompt-dropout 0.1 --own-guidance 0.4..0.5 --things-weight 4 \
    --things-evenness 0.5 --weather-weight 3 --detail-channels 64 --weather --sides \
    --change-weight 1 --eventless-share 0.2 "$@"
