"""The networks of timm where its names differ from torchvision's, module by module; and of the packaged Lite weights.

Each returns (logits, penultimate features) when called. `same`: TensorFlow's padding and BatchNorm, as in timm's tf_...
"""

import torch
from torch import nn
from torchvision_networks import EFFICIENTNET, MOBILENET, LayerNorm2d, resized


class Conv(nn.Conv2d):
    """padding="same" pads what ceil(side / stride) outputs need, the odd row at the end."""

    def __init__(self, inner, width, kernel, stride=1, groups=1, same=False, bias=False):
        super().__init__(inner, width, kernel, stride, 0 if same else (kernel - 1) // 2, groups=groups, bias=bias)
        self.same = same

    def forward(self, x):
        if self.same:
            k, s = self.kernel_size[0], self.stride[0]
            missing = [max((-(-side // s) - 1) * s + k - side, 0) for side in x.shape[2:]]
            x = nn.functional.pad(x, [m // 2 if not end else m - m // 2 for m in missing[::-1] for end in (0, 1)])
        return super().forward(x)


class Gate(nn.Module):
    def __init__(self, width, reduced):
        super().__init__()
        self.conv_reduce = nn.Conv2d(width, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, width, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.conv_expand(nn.functional.silu(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


class Separable(nn.Module):
    """Of the first stage, without expansion."""

    def __init__(self, inner, width, stride, kernel, norm, activation, gate, same):
        super().__init__()
        self.conv_dw = Conv(inner, inner, kernel, stride, inner, same)
        self.bn1 = norm(inner)
        self.se = Gate(inner, inner // 4) if gate else nn.Identity()
        self.conv_pw = Conv(inner, width, 1)
        self.bn2 = norm(width)
        self.activation = activation
        self.adds = stride == 1 and inner == width

    def forward(self, x):
        y = self.se(self.activation(self.bn1(self.conv_dw(x))))
        y = self.bn2(self.conv_pw(y))
        return x + y if self.adds else y


class Inverted(nn.Module):
    def __init__(self, inner, width, stride, expansion, kernel, norm, activation, gate, same):
        super().__init__()
        hidden = inner * expansion
        self.conv_pw = Conv(inner, hidden, 1)
        self.bn1 = norm(hidden)
        self.conv_dw = Conv(hidden, hidden, kernel, stride, hidden, same)
        self.bn2 = norm(hidden)
        self.se = Gate(hidden, inner // 4) if gate else nn.Identity()
        self.conv_pwl = Conv(hidden, width, 1)
        self.bn3 = norm(width)
        self.activation = activation
        self.adds = stride == 1 and inner == width

    def forward(self, x):
        y = self.activation(self.bn1(self.conv_pw(x)))
        y = self.se(self.activation(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.adds else y


class Mobile(nn.Module):
    """MobileNetV2 and EfficientNet of timm: (expansion, width, depth, stride, kernel) a stage."""

    def __init__(self, stages, activation, gate=False, same=False, last=1280, n_classes=10):
        super().__init__()

        def norm(width):
            return nn.BatchNorm2d(width, eps=1e-3 if same else 1e-5)

        self.conv_stem = Conv(3, 32, 3, 2, same=same)
        self.bn1 = norm(32)
        blocks, inner = [], 32
        for expansion, width, depth, stride, kernel in stages:
            layers = []
            for index in range(depth):
                rest = (norm, activation, gate, same)
                step = stride if index == 0 else 1
                if expansion == 1:
                    layers.append(Separable(inner, width, step, kernel, *rest))
                else:
                    layers.append(Inverted(inner, width, step, expansion, kernel, *rest))
                inner = width
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = Conv(inner, last, 1)
        self.bn2 = norm(last)
        self.classifier = nn.Linear(last, n_classes)
        self.activation = activation

    def forward(self, x):
        x = self.blocks(self.activation(self.bn1(self.conv_stem(x))))
        phi = self.activation(self.bn2(self.conv_head(x))).mean((2, 3))
        return self.classifier(phi), phi


def mobilenet_v2():
    return Mobile([(*stage, 3) for stage in MOBILENET], nn.functional.relu6)


def efficientnet_b0(same=False):
    return Mobile(EFFICIENTNET, nn.functional.silu, gate=True, same=same)


LITE_WIDTHS = {
    0: (16, 24, 40, 80, 112, 192, 320),
    1: (16, 24, 40, 80, 112, 192, 320),
    2: (16, 24, 48, 88, 120, 208, 352),
}
LITE_DEPTHS = {0: (1, 2, 2, 3, 3, 4, 1), 1: (1, 3, 3, 4, 4, 5, 1), 2: (1, 3, 3, 4, 4, 5, 1)}


def efficientnet_lite(number, same=False):
    stages = [
        (expansion, width, depth, stride, kernel)
        for (expansion, _, _, stride, kernel), width, depth in zip(
            EFFICIENTNET, LITE_WIDTHS[number], LITE_DEPTHS[number], strict=True
        )
    ]
    return Mobile(stages, nn.functional.relu6, same=same)


def lukemelas_names(network):
    """The tensors of a timm network under the names of the packaged Lite weights: blocks numbered throughout."""
    first = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
    rest = {
        "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
        "conv_pwl": "_project_conv", "bn3": "_bn2",
    }  # fmt: skip
    outer = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    starts = [0]
    for stage in network.blocks:
        starts.append(starts[-1] + len(stage))
    renamed = {}
    for name, value in network.state_dict().items():
        parts = name.split(".")
        if parts[0] == "blocks":
            names = first if parts[1] == "0" else rest
            parts = ["_blocks", str(starts[int(parts[1])] + int(parts[2])), names[parts[3]], *parts[4:]]
        else:
            parts[0] = outer[parts[0]]
        renamed[".".join(parts)] = value
    return renamed


class Mlp(nn.Module):
    def __init__(self, width, activation=nn.functional.gelu):
        super().__init__()
        self.activation = activation
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(self.activation(self.fc1(x)))


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.conv_dw = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)

    def forward(self, x):
        y = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1)))
        return x + (self.gamma * y).permute(0, 3, 1, 2)


class ConvNeXtStage(nn.Module):
    def __init__(self, inner, width, depth):
        super().__init__()
        step = [LayerNorm2d(inner, eps=1e-6), nn.Conv2d(inner, width, 2, 2)] if inner != width else [nn.Identity()]
        self.downsample = nn.Sequential(*step)
        self.blocks = nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth)))

    def forward(self, x):
        return self.blocks(self.downsample(x))


class NormHead(nn.Module):
    def __init__(self, width, n_classes):
        super().__init__()
        self.norm = LayerNorm2d(width, eps=1e-6)
        self.fc = nn.Linear(width, n_classes)


class ConvNeXt(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 96, 4, 4), LayerNorm2d(96, eps=1e-6))
        specs = ((96, 96, 3), (96, 192, 3), (192, 384, 9), (384, 768, 3))
        self.stages = nn.Sequential(*(ConvNeXtStage(*spec) for spec in specs))
        self.head = NormHead(768, n_classes)

    def forward(self, x):
        phi = self.head.norm(self.stages(self.stem(x)).mean((2, 3), keepdim=True)).flatten(1)
        return self.head.fc(phi), phi


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = torch.softmax(q @ k.transpose(2, 3) / q.shape[3] ** 0.5, -1) @ v
        return self.proj(y.transpose(1, 2).flatten(2))


class Scale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, width, heads, scaled, activation=None):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.ls1 = Scale(width) if scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, activation or nn.functional.gelu)
        self.ls2 = Scale(width) if scaled else nn.Identity()

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Patches(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)


class ViT(nn.Module):
    """timm's for DINOv2 with `scaled` and no head: then its logits are its features.

    `own`: DINOv2's own code, which has a mask token and resizes position embeddings by a factor.
    """

    def __init__(
        self, width, heads, image_size, patch=16, scaled=False, n_classes=10, own=False, depth=12, activation=None
    ):
        super().__init__()
        if own:
            self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, (image_size // patch) ** 2 + 1, width))
        self.patch_embed = Patches(width, patch)
        self.blocks = nn.Sequential(*(Block(width, heads, scaled, activation) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, n_classes) if n_classes else nn.Identity()

    def forward(self, x):
        x = self.patch_embed.proj(x)
        if hasattr(self, "mask_token"):
            side = round((self.pos_embed.shape[1] - 1) ** 0.5)
            how = {"scale_factor": tuple((new + 0.1) / side for new in x.shape[2:])}
        else:
            how = {"antialias": True}
        positions = resized(self.pos_embed, x.shape[2:], **how)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + positions
        phi = self.norm(self.blocks(x))[:, 0]
        return self.head(phi), phi
