#!/usr/bin/env bash
# The encoder of the first autoencoder with twelve channels: it is taught the principal components of blocks of 4
# frames of 8 by 8 pixels. From data of 01 and kept weights of 00, all of the encoder but its last layer. Seed 0.
# Stopped after 5 minutes on two cores of a Zen 4, 2227 steps.
# Program: a7b4c94. Later ones have neither the flag --freeze-decoder nor this class of autoencoder to train, and
# refuse: what it made is kept, in kept/denoiser-1/vae of 00.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 10
"${KINORA:-target/release/kinora}" train vae --data "$runs/data-3000" --output "$runs/encoder" \
    --init-from "$runs/kept/first" --freeze-decoder --learning-rate 2e-3 --warmup-steps 50 \
    --final-learning-rate-share 0.02 --ema-decay 0.99 --still-share 0.3..0.15 --clip-frames 5,9,17 --seed 0 "$@"
