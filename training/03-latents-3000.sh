#!/usr/bin/env bash
# The latents of data of 01 by the encoder of 02, as it is kept (00). Program: a7b4c94, and there with the flag
# --keep-scale, which is how every program since does it.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-3000" --vae "$runs/kept/denoiser-11/vae" \
    --output "$runs/latents-3000" "$@"
