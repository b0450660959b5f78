#!/usr/bin/env bash
# The judge's networks, from nothing, on lessons that are drawn meanwhile. Seed 0. 58 minutes on two shared cores,
# 2780 batches. Program: 02e36e3, where what it made is kept: weights/kinora-judge/judge.safetensors.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-target/training}
[ $# -gt 0 ] || set -- --minutes 58
"${KINORA:-target/release/kinora}" train judge --output "$runs/judge-1" --learning-rate 3e-3 --muon \
    --warmup-steps 20 --final-learning-rate-share 0.01 --ema-decay 0.99 --max-grad-norm 3 --seed 0 "$@"
