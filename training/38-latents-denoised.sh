#!/usr/bin/env bash
# The latents of data of 37 by autoencoder 3, of pictures half as large, made anew in part by denoiser 23. Seed 0. 5 minutes
# on one core of a Zen 4. Program: d518b6a.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-420" --vae "$runs/kept/denoiser-23/vae" \
    --upscale 2 --denoised-by "$runs/kept/denoiser-23" --output "$runs/latents-denoised" "$@"
