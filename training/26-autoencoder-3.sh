#!/usr/bin/env bash
# Autoencoder 3, the embedded one, on data of 18: 28 channels for blocks of 2 frames, the first 15 of which are as far
# as may be those channels of autoencoder 2 (19). Seed 0. 12 minutes on two cores of a Zen 4, 533 steps. Program:
# e6fcbb2.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 12
"${KINORA:-target/release/kinora}" train vae --data "$runs/data-1500" --output "$runs/autoencoder-3" --z-dim 28 \
    --block-frames 2 --like "$runs/autoencoder-2/vae" --like-channels 0,1,2,3,4,6,7,8,9,10,11,13,16,18,19 \
    --learning-rate 2e-3 --warmup-steps 30 --final-learning-rate-share 0.02 --ema-decay 0.99 --muon --seed 0 \
    "$@"
