#!/usr/bin/env bash
# Takes the weights between the runs that are kept in the history of this repository out of it, each as a folder of a model.
# Some seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
kept=${RUNS:-target/training}/kept
take() {
    mkdir -p "$kept/$1"
    git archive "$2:weights/$3" | tar -x -C "$kept/$1"
}
take first      a88c131 kinora-tiny # what its first autoencoder's encoder began from
take denoiser-1 a7b4c94 kinora-next # with the encoder of 02
take denoiser-4 a9a3f9e kinora-tiny
take denoiser-7 a33d1a7 kinora-tiny
take denoiser-11 16e168f kinora-tiny # with the text encoder of 14, which is the embedded one
take denoiser-23 c3c9159 kinora-tiny # with autoencoder 3
take denoiser-26 7852e13 kinora-tiny # with planner 3 and autoencoder 3
take denoiser-33 4a4719f kinora-tiny
take denoiser-34 802fa76 kinora-tiny # with planner 5
take judge-2    c67b663 kinora-judge
take judge-4    dd9847b kinora-judge
