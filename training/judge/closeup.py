"""Trains the close-up network on clips of the world that `prepare.py` has read.

    python closeup.py OUTPUT.safetensors MINUTES CLIPS.npz...
"""

import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from network import HEADS, NOTHING, PLACE, UNCLEAR, WINDOW, Frame, Window, folded, split

output, minutes, files = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
RATE = float(os.environ.get("RATE", "2.5e-3"))
torch.manual_seed(0)
rng = np.random.default_rng(0)
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
UNITS = torch.tensor([0.1, 0.2, 0.4])  # turns, comes nearer, circles


def read(paths):
    parts = [np.load(path) for path in paths]
    return [np.concatenate([part[name] for part in parts]) for name in "xagr"]


clips, things, places, rates = read(files)
held = 40
print(len(clips), "clips", flush=True)
frame, window = Frame().to(memory_format=torch.channels_last), Window().to(memory_format=torch.channels_last)
parameters = [*frame.parameters(), *window.parameters()]
optimiser = torch.optim.AdamW(parameters, lr=2.5e-3, betas=(0.9, 0.98), weight_decay=0.02)


def gauss(x, sigma):
    reach = max(1, math.ceil(3 * sigma))
    at = torch.arange(-reach, reach + 1).float()
    kernel = torch.exp(-0.5 * (at / sigma) ** 2)
    kernel /= kernel.sum()
    shape = x.shape
    x = x.reshape(-1, 1, *shape[-2:])
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    x = F.conv2d(F.pad(x, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    return x.reshape(shape)


def batch(indices, times, training):
    """Frames, windows, and what should be said of them."""
    count = len(indices)
    around = np.clip(times[:, None] + np.arange(-2, 3), 0, clips.shape[1] - 1)
    x = torch.from_numpy(clips[indices[:, None], around]).permute(0, 1, 4, 2, 3).float() / 127.5 - 1  # [B, 5, 3, H, W]
    if training:
        tint = 1 + 0.06 * (2 * torch.rand(count, 1, 3, 1, 1) - 1) * (torch.rand(count, 1, 1, 1, 1) < 0.5)
        x = (x + 1) * tint - 1
    frames = x[:, [0, 2, 4]].flatten(1, 2)
    if training and rng.random() < 0.7:
        some = slice(0, count // 4)
        frames[some] = gauss(frames[some], rng.uniform(0.25, 1.0))
    triples = x[:, 1:4].flatten(1, 2)  # [B, 9, H, W]
    found = []
    for row, (index, t) in enumerate(zip(indices, times)):
        truth = things[index, :, t]
        for thing in truth:
            if thing[21] == 0 or thing[0] == 0 or thing[1] < 0.25:
                continue
            low, high = thing[2:4], thing[4:6]
            side = 1.2 * max(high - low)
            middle = (low + high) / 2
            if training:
                side *= math.exp(rng.uniform(-0.28, 0.3))
                middle = middle + side * rng.uniform(-0.13, 0.13, 2)
            found.append((row, side, *middle, thing))
        if training and rng.random() < 0.15:
            middle, side = rng.uniform(8, 120, 2), rng.uniform(14, 60)
            boxes = truth[truth[:, 21] > 0]
            far = [(abs(middle - (b[2:4] + b[4:6]) / 2) > (b[4:6] - b[2:4]) / 2 + side * 0.3).any() for b in boxes]
            if all(far):
                found.append((row, side, *middle, None))
    rows = torch.tensor([f[0] for f in found])
    sides = torch.tensor([f[1] for f in found]).float()
    middles = torch.tensor([[f[2], f[3]] for f in found]).float()
    step = (torch.arange(WINDOW).float() + 0.5) / WINDOW - 0.5
    gx = middles[:, 0, None, None] + sides[:, None, None] * step[None, None, :] + torch.zeros(1, WINDOW, 1)
    gy = middles[:, 1, None, None] + sides[:, None, None] * step[None, :, None] + torch.zeros(1, 1, WINDOW)
    unclear = torch.zeros(len(found), dtype=torch.bool)
    blurred = torch.zeros(len(found), dtype=torch.bool)
    if training:
        lot = torch.rand(len(found))
        blurred, warped = lot < 0.09, (lot > 0.09) & (lot < 0.17)
        if warped.any():
            n = int(warped.sum())
            dx, dy = torch.zeros(n, WINDOW, WINDOW), torch.zeros(n, WINDOW, WINDOW)
            for _ in range(4):
                turn, way = torch.rand(n, 1, 1) * 6.283, torch.rand(n, 1, 1) * 6.283
                f = 6.283 / (11 + 10 * torch.rand(n, 1, 1))
                lift = torch.sin(f * (turn.cos() * gx[warped] + turn.sin() * gy[warped]) + 6.283 * torch.rand(n, 1, 1))
                dx += lift * way.cos() * 2.6
                dy += lift * way.sin() * 2.6
            gx[warped] += dx
            gy[warped] += dy
        unclear = blurred | warped
    height, width = x.shape[-2:]
    grid = torch.stack([2 * gx / width - 1, 2 * gy / height - 1], 3)
    windows = F.grid_sample(triples[rows], grid, mode="bilinear", padding_mode="border", align_corners=False)
    if training:
        for index in range(len(found)):  # each blurred by its own measure, in pixels of the frame
            pixels = WINDOW / float(sides[index])
            if blurred[index]:
                windows[index] = gauss(windows[index], pixels * rng.uniform(2.3, 5.0))
            elif rng.random() < 0.4:
                windows[index] = gauss(windows[index], pixels * rng.uniform(0.2, 1.0))
        noisy = 0.04 * torch.rand(len(found), 1, 1, 1) * (torch.rand(len(found), 1, 1, 1) < 0.4)
        windows += noisy * torch.randn_like(windows)
    where = torch.stack([sides / 64 - 0.75, middles[:, 0] / width * 2 - 1, middles[:, 1] / height * 2 - 1], 1)
    none = np.zeros(22, np.float32)
    truth = torch.from_numpy(np.stack([f[4] if f[4] is not None else none for f in found]))
    is_thing = torch.tensor([f[4] is not None for f in found])
    kind = truth[:, 18].long()
    kind[unclear] = UNCLEAR
    kind[~is_thing] = NOTHING
    return frames, windows, where, rows, truth, kind, is_thing, torch.from_numpy(places[indices]), torch.from_numpy(
        rates[indices, times])


def losses(said, place, truth, kind, is_thing, place_truth, rate):
    w = is_thing.float()
    total = w.sum().clamp(min=1)
    huber = lambda a, b: (F.smooth_l1_loss(a, b, reduction="none", beta=0.1).sum(1) * w).sum() / total
    ce = lambda a, b: (F.cross_entropy(a, b.clamp(min=0), reduction="none") * w * (b >= 0)).sum() / total
    found = {
        "kind": F.cross_entropy(said["kind"], kind),
        "colour": 0.5 * ce(said["colour"], truth[:, 19].long()),
        "size": 0.3 * ce(said["size"], truth[:, 20].long()),
        "distance": 0.5 * huber(said["distance"], torch.log(truth[:, 6:7].clamp(min=1) / 5)),
        "velocity": 0.5 * huber(said["velocity"], truth[:, 7:10]),
        "spin": 0.4 * huber(said["spin"], truth[:, 10:13] / 3),
        "posture": 0.3 * huber(torch.cat([said["height"], said["stride"], said["wings"]], 1),
                               torch.stack([truth[:, 13], truth[:, 14] / 0.2, truth[:, 15]], 1)),
        "action": 0.3 * ce(said["action"], truth[:, 16].long()),
        "place": 0.3 * sum(F.cross_entropy(place[name], place_truth[:, i]) for i, name in
                           enumerate(("ground", "time_of_day", "weather"))),
        "camera": F.smooth_l1_loss(place["camera"], rate / UNITS, beta=0.1) * 3,
    }
    return found


def run(indices, times, training):
    frames, windows, where, rows, truth, kind, is_thing, place_truth, rate = batch(indices, times, training)
    with torch.autocast("cpu", torch.bfloat16):
        context, place = frame(frames.contiguous(memory_format=torch.channels_last))
        said = window(windows.contiguous(memory_format=torch.channels_last), where, context[rows])
    said, place = split(said.float(), HEADS), split(place.float(), PLACE)
    return losses(said, place, truth, kind, is_thing, place_truth, rate), said, place, truth, kind, place_truth, rate


def evaluate():
    frame.eval(), window.eval()
    sums, right = {}, {}
    with torch.no_grad():
        for index in range(held):
            times = np.array([2, 6, 10, 14])
            found, said, place, truth, kind, place_truth, rate = run(np.full(4, index), times, False)
            for name, value in found.items():
                sums[name] = sums.get(name, 0) + float(value) / held
            for name, column in (("kind", 18), ("colour", 19), ("size", 20), ("action", 16)):
                asked = truth[:, column] >= 0
                hits = (said[name].argmax(1) == truth[:, column])[asked].float()
                right.setdefault(name, []).extend(hits.tolist())
            for i, name in enumerate(("ground", "time_of_day", "weather")):
                right.setdefault(name, []).extend((place[name].argmax(1) == place_truth[:, i]).float().tolist())
            right.setdefault("clip weather", []).append(
                float(place["weather"].softmax(1).mean(0).argmax() == place_truth[0, 2]))
            right.setdefault("clip kind", []).append(
                float(said["kind"][:, :13].sum(0).argmax() == truth[0, 18]) if (truth[:, 18] == truth[0, 18]).all() else 1.0)
    frame.train(), window.train()
    print("  held out:", {k: round(float(np.mean(v)), 4) for k, v in right.items()},
          {k: round(v, 3) for k, v in sums.items()}, flush=True)


def save():
    weights = {f"frame.{k}": v for k, v in folded(frame.eval()).items()}
    weights |= {f"window.{k}": v for k, v in folded(window.eval()).items()}
    frame.train(), window.train()
    save_file(weights, output, metadata={"format": "pt"})


def proceed(path):
    """Starts from weights that were exported: each batch norm is set so that it changes nothing on a first batch."""
    weights = load_file(path)
    frames, windows, where, rows, *_ = batch(rng.integers(held, len(clips), 48), rng.integers(0, clips.shape[1], 48), True)
    with torch.no_grad():
        for half, name, x in ((frame, "frame", frames), (window, "window", windows)):
            for at, (convolution, norm, _) in enumerate(half.layers):
                convolution.weight.copy_(weights[f"{name}.layers.{at}.weight"])
                x = convolution(x)
                mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
                norm.running_mean.copy_(mean), norm.running_var.copy_(variance)
                norm.weight.copy_((variance + norm.eps).sqrt())
                norm.bias.copy_(mean + weights[f"{name}.layers.{at}.bias"])
                x = torch.relu(x + weights[f"{name}.layers.{at}.bias"][:, None, None])
            for part in ("hidden", "out"):
                getattr(half, part).weight.copy_(weights[f"{name}.{part}.weight"])
                getattr(half, part).bias.copy_(weights[f"{name}.{part}.bias"])


if "FROM" in os.environ:
    proceed(os.environ["FROM"])
    evaluate()
start, step, smooth = time.time(), 0, {}
evaluated = saved = start
while (progress := (time.time() - start) / 60 / minutes) < 1:
    rate = min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
    for group in optimiser.param_groups:
        group["lr"] = RATE * rate
    found, *_ = run(rng.integers(held, len(clips), 32), rng.integers(0, clips.shape[1], 32), True)
    optimiser.zero_grad()
    sum(found.values()).backward()
    torch.nn.utils.clip_grad_norm_(parameters, 2.0)
    optimiser.step()
    step += 1
    for name, value in found.items():
        smooth[name] = 0.98 * smooth.get(name, value.item()) + 0.02 * value.item()
    if step % 50 == 0:
        print(step, f"{time.time() - start:.0f}s", {k: round(v, 3) for k, v in smooth.items()}, flush=True)
    if time.time() - evaluated > 150:
        evaluate()
        save()
        evaluated = time.time()
evaluate()
save()
