#!/usr/bin/env bash
# Denoiser 24: denoiser 23, shown where things are, on latents of 45. Seed 0. Stopped after 13 minutes of 76, 400 steps, on two
# cores of a Zen 4, one of them for 5 minutes taken up by the planner. Program: b037bb2.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 76
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-8" \
    --vae "$runs/kept/denoiser-23/vae" --output "$runs/denoiser-24" --init-from "$runs/kept/denoiser-23" \
    --tracks --tracks-dropout 0.15 --teacher "$runs/kept/denoiser-23" --preconditioned-after 11 \
    --freeze-text-encoder --muon --neighbours --learning-rate 1.2e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.03 --ema-decay 0.997 --batch-stills 32 --batch-clips 6 --still-share 0.12..0.08 \
    --several-share 0.6 --close-up-share 0.1 --timestep-shift 2.5 --logit-std 1.4 --guidance-scale 1 \
    --sample-steps 8 --shared-share 0.6 --independent-share 0.1 --first-frame-share 0.1 --seed 0 \
    --prompt-dropout 0.05 "$@"
