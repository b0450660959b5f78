#!/usr/bin/env bash
# The latents of data of 64 by autoencoder 3. 2 minutes on two cores. Program: bd3ca14.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-5000-of-10" --vae "$runs/kept/denoiser-23/vae" \
    --upscale 1 --output "$runs/latents-5000-of-10" "$@"
