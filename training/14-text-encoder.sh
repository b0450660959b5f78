#!/usr/bin/env bash
# The text encoder alone, from that of denoiser 8 (13); its captions are drawn meanwhile. Seed 0. 3 minutes on two
# cores of a Zen 5, 1465 steps. Kept, with denoiser 11: it is the embedded one. Program: 16e168f.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 3
"${KINORA:-target/release/kinora}" train text --output "$runs/text-encoder" --init-from "$runs/denoiser-8" \
    --learning-rate 5e-3 --final-learning-rate-share 0.02 --ema-decay 0.99 --warmup-steps 50 --seed 0 "$@"
