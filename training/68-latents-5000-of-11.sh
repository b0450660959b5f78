#!/usr/bin/env bash
# The latents of data of 67 by autoencoder 3. 4 minutes on two cores. Program: e3ecb49.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-5000-of-11" --vae "$runs/kept/denoiser-23/vae" \
    --upscale 1 --output "$runs/latents-5000-of-11" "$@"
