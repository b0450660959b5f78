#!/usr/bin/env bash
# Denoiser 7, from denoiser 6 (11), on latents of 10; the text encoder's biases of attention begin as windows on
# neighbouring words. Seed 0. 57 minutes on two cores of a Zen 5, 13631 steps. Kept. Program: a33d1a7.
# It began from step 9500 of denoiser 6, here from its last one; and heads without a window kept their biases then,
# which no flag says.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 57
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-9000" \
    --vae "$runs/kept/denoiser-11/vae" --output "$runs/denoiser-7" --init-from "$runs/denoiser-6" \
    --anew relative_attention_bias --learning-rate 1e-3 --warmup-steps 50 --final-learning-rate-share 0.02 \
    --ema-decay 0.999 --still-share 0.4..0.3 --close-up-share 0.35..0.2 --timestep-shift 4 --logit-std 1.4 \
    --naming-weight 0.25..0.05 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
