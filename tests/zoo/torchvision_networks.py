"""The networks of torchvision, module by module as its checkpoints name their tensors; torchvision is not needed.

Each returns (logits, penultimate features) when called.
"""

from collections import OrderedDict

import torch
from torch import nn


class Basic(nn.Module):
    def __init__(self, inner, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inner, width, stride)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    def __init__(self, inner, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(inner, 4 * width, stride)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def _shortcut(inner, width, stride):
    if stride == 1 and inner == width:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(inner, width, 1, stride, bias=False), nn.BatchNorm2d(width))


class ResNet(nn.Module):
    def __init__(self, depths, block, n_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inner, factor = 64, 4 if block is Bottleneck else 1
        for stage, depth in enumerate(depths):
            layers = []
            for index in range(depth):
                layers.append(block(inner, 64 * 2**stage, 2 if stage and not index else 1))
                inner = 64 * 2**stage * factor
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(inner, n_classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        phi = self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))
        return self.fc(phi), phi


class DenseLayer(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv1 = nn.Conv2d(inner, 128, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(torch.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(torch.relu(self.norm2(y)))], 1)


class DenseNet(nn.Module):
    def __init__(self, depths=(6, 12, 32, 32), n_classes=10):
        super().__init__()
        parts = OrderedDict(
            conv0=nn.Conv2d(3, 64, 7, 2, 3, bias=False), norm0=nn.BatchNorm2d(64), relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, 2, 1),
        )  # fmt: skip
        width = 64
        for stage, depth in enumerate(depths, 1):
            layers = OrderedDict((f"denselayer{k + 1}", DenseLayer(width + 32 * k)) for k in range(depth))
            parts[f"denseblock{stage}"] = nn.Sequential(layers)
            width += 32 * depth
            if stage < len(depths):
                parts[f"transition{stage}"] = nn.Sequential(
                    OrderedDict(
                        norm=nn.BatchNorm2d(width), relu=nn.ReLU(), conv=nn.Conv2d(width, width // 2, 1, bias=False),
                        pool=nn.AvgPool2d(2),
                    )
                )  # fmt: skip
                width //= 2
        parts["norm5"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, x):
        phi = torch.relu(self.features(x)).mean((2, 3))
        return self.classifier(phi), phi


def conv_norm(inner, width, kernel, stride=1, groups=1, activation=nn.ReLU6):
    parts = [nn.Conv2d(inner, width, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)]
    parts += [nn.BatchNorm2d(width)] + ([activation()] if activation else [])
    return nn.Sequential(*parts)


class InvertedResidual(nn.Module):
    def __init__(self, inner, width, stride, expansion):
        super().__init__()
        hidden = inner * expansion
        layers = [conv_norm(inner, hidden, 1)] if expansion > 1 else []
        layers += [conv_norm(hidden, hidden, 3, stride, hidden)]
        self.conv = nn.Sequential(*layers, nn.Conv2d(hidden, width, 1, bias=False), nn.BatchNorm2d(width))
        self.adds = stride == 1 and inner == width

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


MOBILENET = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MobileNetV2(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        layers, inner = [conv_norm(3, 32, 3, 2)], 32
        for expansion, width, depth, stride in MOBILENET:
            for index in range(depth):
                layers.append(InvertedResidual(inner, width, stride if index == 0 else 1, expansion))
                inner = width
        self.features = nn.Sequential(*layers, conv_norm(320, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, n_classes))

    def forward(self, x):
        phi = self.features(x).mean((2, 3))
        return self.classifier(phi), phi


class Squeeze(nn.Module):
    def __init__(self, width, reduced):
        super().__init__()
        self.fc1 = nn.Conv2d(width, reduced, 1)
        self.fc2 = nn.Conv2d(reduced, width, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(nn.functional.silu(self.fc1(x.mean((2, 3), keepdim=True)))))


class MBConv(nn.Module):
    def __init__(self, inner, width, stride, expansion, kernel):
        super().__init__()
        hidden = inner * expansion
        layers = [conv_norm(inner, hidden, 1, activation=nn.SiLU)] if expansion > 1 else []
        layers += [conv_norm(hidden, hidden, kernel, stride, hidden, nn.SiLU), Squeeze(hidden, inner // 4)]
        self.block = nn.Sequential(*layers, conv_norm(hidden, width, 1, activation=None))
        self.adds = stride == 1 and inner == width

    def forward(self, x):
        return x + self.block(x) if self.adds else self.block(x)


EFFICIENTNET = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip


class EfficientNet(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        layers, inner = [conv_norm(3, 32, 3, 2, activation=nn.SiLU)], 32
        for expansion, width, depth, stride, kernel in EFFICIENTNET:
            blocks = []
            for index in range(depth):
                blocks.append(MBConv(inner, width, stride if index == 0 else 1, expansion, kernel))
                inner = width
            layers.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*layers, conv_norm(320, 1280, 1, activation=nn.SiLU))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, n_classes))

    def forward(self, x):
        phi = self.features(x).mean((2, 3))
        return self.classifier(phi), phi


class Fire(nn.Module):
    def __init__(self, inner, width):
        super().__init__()
        self.squeeze = nn.Conv2d(inner, width, 1)
        self.expand1x1 = nn.Conv2d(width, 4 * width, 1)
        self.expand3x3 = nn.Conv2d(width, 4 * width, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()

        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16), Fire(128, 16), pool(), Fire(128, 32),
            Fire(256, 32), pool(), Fire(256, 48), Fire(384, 48), Fire(384, 64), Fire(512, 64),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, n_classes, 1), nn.ReLU())

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x).mean((2, 3)), x.mean((2, 3))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ChannelsLast(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1)


class ChannelsFirst(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(width, width, 7, padding=3, groups=width), ChannelsLast(), nn.LayerNorm(width, eps=1e-6),
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), ChannelsFirst(),
        )  # fmt: skip
        self.layer_scale = nn.Parameter(torch.ones(width, 1, 1))

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class ConvNeXt(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        widths, depths = (96, 192, 384, 768), (3, 3, 9, 3)
        layers = [nn.Sequential(nn.Conv2d(3, 96, 4, 4), LayerNorm2d(96, eps=1e-6))]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            layers.append(nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth))))
            if stage < 3:
                layers.append(nn.Sequential(LayerNorm2d(width, eps=1e-6), nn.Conv2d(width, widths[stage + 1], 2, 2)))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(LayerNorm2d(768, eps=1e-6), nn.Flatten(1), nn.Linear(768, n_classes))

    def forward(self, x):
        phi = self.classifier[1](self.classifier[0](self.features(x).mean((2, 3), keepdim=True)))
        return self.classifier[2](phi), phi


class EncoderBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0), nn.Linear(4 * width, width), nn.Dropout(0)
        )

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    def __init__(self, width, heads, tokens, depth=12):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, width).normal_(std=0.02))
        layers = OrderedDict((f"encoder_layer_{index}", EncoderBlock(width, heads)) for index in range(depth))
        self.layers = nn.Sequential(layers)
        self.ln = nn.LayerNorm(width, eps=1e-6)


class VisionTransformer(nn.Module):
    """torchvision takes one size of images; for others its `interpolate_embeddings` resizes position embeddings so."""

    def __init__(self, width, heads, image_size, n_classes=10, depth=12):
        super().__init__()
        self.class_token = nn.Parameter(torch.randn(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, 16, 16)
        self.encoder = Encoder(width, heads, (image_size // 16) ** 2 + 1, depth)
        self.heads = nn.Sequential(OrderedDict(head=nn.Linear(width, n_classes)))

    def forward(self, x):
        x = self.conv_proj(x)
        positions = resized(self.encoder.pos_embedding, x.shape[2:], align_corners=True)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + positions
        phi = self.encoder.ln(self.encoder.layers(x))[:, 0]
        return self.heads(phi), phi


def resized(positions, size, **how):
    """`how` of torch's bicubic interpolation differs from source to source."""
    side = round((positions.shape[1] - 1) ** 0.5)
    grid = positions[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    if tuple(size) == (side, side):
        return positions
    chosen = how if "scale_factor" in how else {"size": tuple(size), **how}
    grid = nn.functional.interpolate(grid, mode="bicubic", **chosen)
    return torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2)], 1)
