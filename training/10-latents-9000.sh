#!/usr/bin/env bash
# The latents of data of 09 by the encoder of 02, as it is kept (00). Program: 42622ce, with --keep-scale.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
"${KINORA:-target/release/kinora}" train latents --data "$runs/data-9000" --vae "$runs/kept/denoiser-11/vae" \
    --output "$runs/latents-9000" "$@"
