#!/usr/bin/env bash
# The latents of data of 44 by autoencoder 3. 3 minutes on two cores. Program: b037bb2.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-5056-of-8" --vae "$runs/kept/denoiser-23/vae" \
    --output "$runs/latents-5056-of-8" "$@"
