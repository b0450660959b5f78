#!/usr/bin/env bash
# The embedded upsampler, from that of 39, on data of 37 and latents of 40. Seed 0. 50 minutes on one core of a Zen 4, 3175
# steps. Program: 6df6d58.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 50
"${KINORA:-target/release/kinora}" train vae --data "$runs/data-420" --denoised "$runs/latents-made" \
    --init-from "$runs/upsampler-1" --output "$runs/upsampler-2" --upscale 2 --upsampler-only --still-share 0 \
    --crop 128 --batch-pixels 589824 --clip-frames 3,5,9 --l1-weight 1 --mse-weight 0 --gradient-weight 0.5 \
    --learning-rate 2e-3 --warmup-steps 30 --final-learning-rate-share 0.02 --ema-decay 0.995 --precision bf16 \
    --seed 0 "$@"
