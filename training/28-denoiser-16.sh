#!/usr/bin/env bash
# Denoiser 16: denoiser 15 (25), of whose channels of latents it takes 15, on latents of 27. Seed 0. 70 minutes on two
# cores of a Zen 4, 3265 steps. Not kept. Program: e6fcbb2.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 70
"${KINORA:-target/release/kinora}" train denoiser --latents "$runs/latents-5056-of-2" \
    --vae "$runs/autoencoder-3/vae" --output "$runs/denoiser-16" --init-from "$runs/denoiser-15" \
    --init-channels 0,1,2,3,4,6,7,8,9,10,11,13,16,18,19 --preconditioned-after 11 --freeze-text-encoder --muon \
    --learning-rate 1.2e-3 --warmup-steps 50 --final-learning-rate-share 0.03 --ema-decay 0.998 \
    --still-share 0.4..0.15 --several-share 0.6 --close-up-share 0.3..0.15 --timestep-shift 2.5 --logit-std 1.4 \
    --naming-weight 0.15..0.05 --guidance-scale 3 --sample-steps 30 --batch-clips 5 --batch-stills 32 \
    --first-frame-share 0.1 --shared-share 0.75 --independent-share 0.1 --seed 0 "$@"
