"""Trains the reader of events on tracks that the example `tracks` of kinora-judge has written.

    python events.py OUTPUT.safetensors STEPS TRACKS...      (TRACKS.f32 and TRACKS.jsonl)

Mirrors `crates/judge/src/events/reader.rs`.
"""

import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

ACTIONS, DIRECTIONS = 13, 5
OWN, NEAR = 20 + ACTIONS + 13, 7
CAMERAS, DRIFT = 7, 6
FEATURES = OWN + NEAR + DRIFT + 2
WIDTH, STEPS = 64, (1, 2, 4, 8, 1)
# What changes its sign when left and right are swapped.
FLIPPED = [1, 3, 5, 10, 14, 15, OWN + 1, OWN + NEAR, OWN + NEAR + 2, OWN + NEAR + 4]
MIRRORED = torch.tensor([0, 2, 1, 3, 4])
MIRRORED_CAMERA = torch.tensor([0, 2, 1, 3, 4, 6, 5])


def around(x, step):
    step = min(step, x.shape[1])
    first, last = x[:, :1].expand(-1, step, -1), x[:, -1:].expand(-1, step, -1)
    return torch.cat([torch.cat([first, x[:, :-step]], 1), x, torch.cat([x[:, step:], last], 1)], 2)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3 * FEATURES, WIDTH)
        self.layers = nn.ModuleList(nn.Linear(4 * WIDTH, WIDTH) for _ in STEPS)
        self.answer = nn.Linear(WIDTH, ACTIONS + DIRECTIONS + CAMERAS)
        self.dropout = 0.1

    def forward(self, x):
        x = F.silu(self.first(around(x, 1)))
        for layer, step in zip(self.layers, STEPS):
            seen = torch.cat([around(x, step), x.mean(1, keepdim=True).expand_as(x)], 2)
            x = x + F.dropout(F.silu(layer(seen)), self.dropout, self.training)
        return self.answer(x)


output, steps, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
torch.manual_seed(0)
torch.set_num_threads(1)  # the network is too small for more
features, labels, cameras, clips = [], [], [], []
for file in files:
    lines = [json.loads(line) for line in open(file + ".jsonl")]
    values = np.fromfile(file + ".f32", np.float32)
    count = len(lines[0]["labels"])
    features.append(torch.from_numpy(values.reshape(len(lines), count, FEATURES)))
    labels.append(torch.tensor([line["labels"] for line in lines]))
    cameras.append(torch.tensor([line["camera"] for line in lines]))
    clips += [line["clip"] for line in lines]
features, labels, cameras = torch.cat(features), torch.cat(labels), torch.cat(cameras)
names = sorted(set(clips))
held = set(names[::12])
is_held = torch.tensor([clip in held for clip in clips])
train, held = torch.where(~is_held)[0], torch.where(is_held)[0]
print(len(train), "tracks to learn from,", len(held), "held out", flush=True)

reader = Reader()


def save():
    save_file({name: value.detach().contiguous() for name, value in reader.state_dict().items()}, output,
              metadata={"format": "pt"})


optimiser = torch.optim.AdamW(reader.parameters(), lr=3e-3, weight_decay=0.05)
for step in range(steps):
    rate = 3e-3 * min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    for group in optimiser.param_groups:
        group["lr"] = rate
    some = train[torch.randint(len(train), (96,))]
    x, y = features[some].clone(), labels[some].clone()
    mirrored = torch.rand(len(some)) < 0.5
    for at in FLIPPED:
        x[mirrored, :, at] *= -1
    y[mirrored, :, 1] = torch.where(y[mirrored, :, 1] >= 0, MIRRORED[y[mirrored, :, 1].clamp(min=0)], -1)
    camera = cameras[some].clone()
    camera[mirrored] = MIRRORED_CAMERA[camera[mirrored]]
    x += 0.08 * (2 * torch.rand_like(x) - 1)
    said = reader(x)
    loss = sum(F.cross_entropy(said[:, :, a:b].flatten(0, 1), y[:, :, i].flatten(), ignore_index=-1)
               for i, (a, b) in enumerate(((0, ACTIONS), (ACTIONS, ACTIONS + DIRECTIONS))))
    said = said[:, :, ACTIONS + DIRECTIONS:].flatten(0, 1)
    loss = loss + F.cross_entropy(said, camera.repeat_interleave(x.shape[1]))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if (step + 1) % max(1, steps // 8) == 0:
        reader.eval()
        with torch.no_grad():
            said = reader(features[held])
            right = (said[:, :, :ACTIONS].argmax(2) == labels[held][:, :, 0]) & (
                said[:, :, ACTIONS:ACTIONS + DIRECTIONS].argmax(2) == labels[held][:, :, 1])
            asked = labels[held][:, :, 0] >= 0
            moves = said[:, :, ACTIONS + DIRECTIONS:].log_softmax(2).clamp(min=-4).sum(1).argmax(1) == cameras[held]
            whole = (right | ~asked).float().mean(1) > 0.7
        reader.train()
        save()
        print(step + 1, round(float(loss.detach()), 4), "frames", round(float(right[asked].float().mean()), 4), "tracks",
              round(float(whole.float().mean()), 4), "camera",
              round(float(moves.float().mean()), 4), flush=True)
