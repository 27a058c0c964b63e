"""EfficientNet-Lite1 on ImageNet."""

from lin_ft.zoo.packaged._lite import lite

_SHA256 = "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
_ARCHIVE_SHA256 = "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24"

MODEL = lite(1, "efficientnet-lite1-77cc7160.pth", _SHA256, _ARCHIVE_SHA256, 20221428, 240)
