"""Networks whose normalisation is folded into their convolutions, named as lin_ft.zoo.naming.folded expects.

Each returns (no logits, penultimate features) when called: the published ones have no classifier of their own.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn


def pad_same(x, stride):
    """As TensorFlow pads for a 3x3 window: the odd row at the end."""
    missing = [max((-(-side // stride) - 1) * stride + 3 - side, 0) for side in x.shape[2:]]
    return F.pad(x, (missing[1] // 2, missing[1] - missing[1] // 2, missing[0] // 2, missing[0] - missing[0] // 2))


class MobileNetV1(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 2)
        widths = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
        for index, (inner, width) in enumerate(itertools.pairwise(widths), 1):
            stride = 2 if index in (2, 4, 6, 12) else 1
            setattr(self, f"conv_dw_{index}", nn.Conv2d(inner, inner, 3, stride, groups=inner))
            setattr(self, f"conv_pw_{index}", nn.Conv2d(inner, width, 1))

    def forward(self, x):
        x = F.relu6(self.conv1(pad_same(x, 2)))
        for index in range(1, 14):
            depthwise = getattr(self, f"conv_dw_{index}")
            x = F.relu6(depthwise(pad_same(x, depthwise.stride[0])))
            x = F.relu6(getattr(self, f"conv_pw_{index}")(x))
        return None, x.mean((2, 3))


class FaceBlock(nn.Module):
    def __init__(self, inner, width, down):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, width, 3, 2 if down else 1, 0 if down else 1)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.down = down

    def forward(self, x):
        if not self.down:
            return torch.relu(self.conv2(torch.relu(self.conv1(x))) + x)
        y = self.conv2(torch.relu(self.conv1(x)))
        pooled = F.avg_pool2d(x, 2)
        n, width, height, breadth = y.shape
        whole = torch.zeros(n, max(width, pooled.shape[1]), pooled.shape[2], pooled.shape[3])
        whole[:, :width, :height, :breadth] += y
        whole[:, : pooled.shape[1]] += pooled
        return torch.relu(whole)


class FaceResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv32_down = nn.Conv2d(3, 32, 7, 2)
        self.names = ["conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"]
        self.names += ["conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2"]
        self.names += ["conv256_down_out"]
        inner = 32
        for name in self.names:
            width = int(name.split("_")[0].removeprefix("conv"))
            setattr(self, name, FaceBlock(inner, width, "down" in name))
            inner = width

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv32_down(x)), 3, 2)
        for name in self.names:
            x = getattr(self, name)(x)
        return None, x.mean((2, 3))


class Fused(nn.Module):
    def __init__(self):
        super().__init__()
        specs = [(3, 24, 3, 2), *[(24, 24, 3, 1), (24, 24, 1, 1)] * 2]
        for inner, width in ((24, 48), (48, 64)):
            specs += [(inner, 4 * inner, 3, 2), (4 * inner, width, 1, 1)]
            specs += [(width, 4 * width, 3, 1), (4 * width, width, 1, 1)] * 3
        for index, (inner, width, side, stride) in enumerate(specs):
            setattr(self, f"conv{index}", nn.Conv2d(inner, width, side, stride, side // 2))

    def forward(self, x):
        x = F.silu(self.conv0(x))
        for index in range(1, 21, 2):
            y = getattr(self, f"conv{index + 1}")(F.silu(getattr(self, f"conv{index}")(x)))
            x = y if index in (5, 13) else x + y
        return None, x.mean((2, 3))


def caffe_names(network):
    """torchvision's SqueezeNet under the names of its authors' layers."""
    places = {f"features.{place}": f"fire{index + 2}" for index, place in enumerate((3, 4, 6, 7, 9, 10, 11, 12))}
    places |= {"features.0": "conv1", "classifier.1": "conv10"}
    renamed = {}
    for name, value in network.state_dict().items():
        layer = max((old for old in places if name.startswith(old + ".")), key=len)
        part = name.removeprefix(layer).replace(".squeeze.", ".squeeze1x1.")
        renamed[places[layer] + part] = value
    return renamed
