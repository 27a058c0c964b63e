"""Names of tensors in checkpoints of timm, torchvision and Hugging Face: one file an architecture, one map a source."""

from lin_ft.zoo.naming import convnext, densenet, efficientnet, folded, mobilenet_v2, resnet_v15, squeezenet, vit
from lin_ft.zoo.naming.key_map import KeyMap, Place

KEY_MAPS: dict[str, tuple[KeyMap, ...]] = {
    "resnet18": resnet_v15.KEY_MAPS,
    "resnet34": resnet_v15.KEY_MAPS,
    "resnet50": resnet_v15.KEY_MAPS,
    "resnet101": resnet_v15.KEY_MAPS,
    "thin_resnet50": resnet_v15.THIN,
    "densenet169": densenet.KEY_MAPS,
    "mobilenet_v1": (folded.MOBILENET_V1,),
    "mobilenet_v2": mobilenet_v2.KEY_MAPS,
    "efficientnet_b0": efficientnet.KEY_MAPS,
    "efficientnet_lite0": efficientnet.LITE0,
    "efficientnet_lite1": efficientnet.LITE1,
    "efficientnet_lite2": efficientnet.LITE2,
    "efficientnet_v2_fused": (folded.FUSED,),
    "face_resnet": (folded.FACE_RESNET,),
    "squeezenet_11": squeezenet.KEY_MAPS,
    "convnext_tiny": convnext.KEY_MAPS,
    "vit_tiny_16": vit.KEY_MAPS,
    "vit_small_16": vit.KEY_MAPS,
    "vit_base_16": vit.KEY_MAPS,
    "dinov2_small_14": vit.DINOV2_KEY_MAPS,
}
"""Of the architectures of lin_ft.zoo.architectures.ARCHITECTURES that others train as well."""

__all__ = ["KEY_MAPS", "KeyMap", "Place"]
