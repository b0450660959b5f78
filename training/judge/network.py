"""The close-up network: names a thing in a small window of three frames, and where, when and how a frame is filmed.

Mirrors `crates/judge/src/closeup`. Batch norms are folded into the convolutions when the weights are exported.
"""

import torch
from torch import nn

KINDS = 15  # 13 kinds, unclear, nothing
UNCLEAR, NOTHING = 13, 14
HEADS = {
    "kind": KINDS, "colour": 8, "size": 2, "distance": 1, "velocity": 3, "spin": 3, "height": 1, "stride": 1,
    "wings": 1, "action": 13,
}
PLACE = {"ground": 5, "time_of_day": 4, "weather": 3, "camera": 3}
WINDOW = 40  # pixels along each side of a window
WHERE = 3  # side and middle of the window in the frame
CONTEXT = 96  # features of the frame that windows are told of


def conv(inputs, outputs, stride):
    layer = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Frame(nn.Module):
    """Frames t-2, t, t+2 in 9 channels -> place, camera and features for windows."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(conv(9, 24, 2), conv(24, 48, 2), conv(48, 64, 2), conv(64, 96, 2), conv(96, 96, 1))
        self.hidden = nn.Linear(96 * 5, CONTEXT)
        self.out = nn.Linear(CONTEXT, sum(PLACE.values()))

    def forward(self, x):
        x = self.layers(x)
        height, width = x.shape[2:]
        parts = [x[:, :, a:b, c:d].mean((2, 3)) for a, b in ((0, height // 2), (height // 2, height))
                 for c, d in ((0, width // 2), (width // 2, width))]
        context = torch.relu(self.hidden(torch.cat([x.mean((2, 3)), *parts], 1)))
        return context, self.out(context)


class Window(nn.Module):
    """A window of frames t-1, t, t+1 in 9 channels, where it is, and the frame's features -> HEADS."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(conv(9, 24, 1), conv(24, 48, 2), conv(48, 96, 2), conv(96, 96, 1),
                                    conv(96, 128, 2), conv(128, 128, 1))
        self.hidden = nn.Linear(128 * 2 + WHERE + CONTEXT, 192)
        self.out = nn.Linear(192, sum(HEADS.values()))

    def forward(self, x, where, context):
        x = self.layers(x)
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3)), where, context], 1)
        return self.out(torch.relu(self.hidden(x)))


def split(x, parts):
    return dict(zip(parts, x.split(list(parts.values()), 1)))


def folded(module):
    """The weights with every batch norm folded into the convolution before it."""
    found = {}
    at = 0
    for layer in module.layers:
        convolution, norm, _ = layer
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        found[f"layers.{at}.weight"] = convolution.weight * scale[:, None, None, None]
        found[f"layers.{at}.bias"] = norm.bias - norm.running_mean * scale
        at += 1
    for name in ("hidden", "out"):
        linear = getattr(module, name)
        found[f"{name}.weight"], found[f"{name}.bias"] = linear.weight, linear.bias
    return {name: value.detach().float().contiguous() for name, value in found.items()}
