"""EfficientNet-Lite0 on ImageNet."""

from lin_ft.zoo.packaged._lite import lite

_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_ARCHIVE_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"

MODEL = lite(0, "efficientnet-lite0-57934424.pth", _SHA256, _ARCHIVE_SHA256, 17364911, 224)
