"""EfficientNet-Lite2 on ImageNet."""

from lin_ft.zoo.packaged._lite import lite

_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
_ARCHIVE_SHA256 = "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d"

MODEL = lite(2, "efficientnet-lite2-9656183e.pth", _SHA256, _ARCHIVE_SHA256, 22716958, 260)
