#!/usr/bin/env bash
# Denoiser 10, from denoiser 9 (15) with the text encoder of 14 once more, on latents of 10. Seed 0. Stopped after 8
# minutes on two cores of a Zen 5, 1708 steps. Not kept. Program: 16e168f.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 100
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-9000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-10" --init-from "$runs/denoiser-9" \
    --init-from "$runs/text-encoder" --freeze-text-encoder --learning-rate 1e-3 --warmup-steps 100 \
    --final-learning-rate-share 0.3 --ema-decay 0.998 --still-share 0.8 --several-share 0.75 \
    --close-up-share 0.15 --timestep-shift 4 --logit-std 1.4 --naming-weight 1..0.5 --batch-stills 32 \
    --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 --independent-share 0.1 --seed 0 "$@"
