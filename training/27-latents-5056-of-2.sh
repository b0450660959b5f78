#!/usr/bin/env bash
# The latents of data of 20 by autoencoder 3 (26), in blocks of 2 frames. Program: e6fcbb2.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-5056" --vae "$runs/autoencoder-3/vae" \
    --output "$runs/latents-5056-of-2" "$@"
