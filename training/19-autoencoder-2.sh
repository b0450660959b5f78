#!/usr/bin/env bash
# Autoencoder 2, on data of 18: 48 channels, the first twelve of which are those of the first autoencoder, as it is
# kept (00). Seed 0. 22 minutes on two cores of a Zen 4, 971 steps. Not kept.
# Program: 59214a5, whose own numbers of channels and frames these were: it has no --block-frames.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 22
"${KINORA:-target/release/kinora}" train vae --data "$runs/data-1500" --output "$runs/autoencoder-2" --z-dim 48 \
    --block-frames 4 --like "$runs/kept/denoiser-11/vae" --learning-rate 2e-3 --warmup-steps 30 \
    --final-learning-rate-share 0.02 --ema-decay 0.99 --muon --seed 0 "$@"
