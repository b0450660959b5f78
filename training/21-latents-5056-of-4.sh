#!/usr/bin/env bash
# The latents of data of 20 by autoencoder 2 (19), in blocks of 4 frames. Program: 59214a5.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-5056" --vae "$runs/autoencoder-2/vae" \
    --output "$runs/latents-5056-of-4" "$@"
