#!/usr/bin/env bash
# The latents of data of 52 by autoencoder 3. 2 minutes on two cores. Program: e9f89b1.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-3952-of-9" --vae "$runs/kept/denoiser-23/vae" \
    --output "$runs/latents-3952-of-9" "$@"
