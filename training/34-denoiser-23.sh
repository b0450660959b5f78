#!/usr/bin/env bash
# Denoiser 23, the embedded one: what denoiser 22 (33) says with guidance, said at once, on latents of 27. Seed 0. 19
# minutes on two cores of a Zen 4, 531 steps. Program: 44e8fec.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 19
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-2" \
    --vae "$runs/autoencoder-3/vae" --output "$runs/denoiser-23" --init-from "$runs/denoiser-22" \
    --teacher "$runs/denoiser-22/model" --preconditioned-after 11 --freeze-text-encoder --muon --neighbours \
    --learning-rate 8e-4 --warmup-steps 20 --final-learning-rate-share 0.03 --ema-decay 0.99 \
    --still-share 0.2..0.15 --several-share 0.6 --close-up-share 0.1 --prompt-dropout 0 --timestep-shift 3 \
    --logit-std 1.3 --guidance-scale 1 --sample-steps 8 --batch-stills 32 --batch-clips 5 \
    --first-frame-share 0.1 --shared-share 0.6 --independent-share 0.1 --seed 0 "$@"
