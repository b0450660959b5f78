#!/usr/bin/env bash
# Denoiser 18, from denoiser 16 (28), on latents of 27. Seed 0. 22 minutes on two cores of a Zen 4, and the same once
# more from what that made; 572 steps. Not kept. Program: 58cb105.
# For the second time: the same with --init-from and --output of folders of its own; the log does not say whether both
# runs or the last had 572 steps.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 22
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-2" \
    --vae "$runs/autoencoder-3/vae" --output "$runs/denoiser-18" --init-from "$runs/denoiser-16" \
    --preconditioned-after 11 --freeze-text-encoder --muon --learning-rate 1e-3 --warmup-steps 50 \
    --final-learning-rate-share 0.03 --ema-decay 0.998 --still-share 0.15..0.1 --several-share 0.6 \
    --close-up-share 0.1 --timestep-shift 2.5 --logit-std 1.4 --naming-weight 0.05 --guidance-scale 3 \
    --sample-steps 30 --batch-stills 32 --batch-clips 6 --first-frame-share 0.1 --shared-share 0.75 \
    --independent-share 0.1 --seed 0 "$@"
