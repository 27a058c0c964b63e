"""Names of vision transformers and of DINOv2. Position embeddings tell the image size of pre-training."""

from lin_ft.zoo.naming.key_map import KeyMap

_JOINED = ("block{b+1}/attention/query", "block{b+1}/attention/key", "block{b+1}/attention/value")

_TIMM = (
    ("cls_token", "class_token"),
    ("pos_embed", "positions"),
    ("patch_embed.proj", "patches"),
    ("blocks.{b}.norm{k}", "block{b+1}/norm{k}"),
    ("blocks.{b}.attn.qkv", _JOINED),
    ("blocks.{b}.attn.proj", "block{b+1}/attention/out"),
    ("blocks.{b}.ls{k}.gamma", "block{b+1}/scale{k}"),
    ("blocks.{b}.mlp.fc{k}", "block{b+1}/dense{k}"),
    ("norm", "last_norm"),
    ("head", "head"),
)
TIMM = KeyMap("timm", _TIMM, ignored=("mask_token",), options={"resampling": "timm"})
DINOV2 = KeyMap("dinov2", _TIMM, ignored=("mask_token",), options={"resampling": "dinov2"})
"""Of DINOv2's own code, whose files have the mask token that timm's lack."""
TIMM_DINOV2 = KeyMap("timm", _TIMM, options={"resampling": "timm"})

TORCHVISION = KeyMap(
    "torchvision",
    (
        ("class_token", "class_token"),
        ("encoder.pos_embedding", "positions"),
        ("conv_proj", "patches"),
        ("encoder.layers.encoder_layer_{b}.ln_{k}", "block{b+1}/norm{k}"),
        ("encoder.layers.encoder_layer_{b}.self_attention", _JOINED),
        ("encoder.layers.encoder_layer_{b}.self_attention.out_proj", "block{b+1}/attention/out"),
        ("encoder.layers.encoder_layer_{b}.mlp.0", "block{b+1}/dense1"),
        ("encoder.layers.encoder_layer_{b}.mlp.3", "block{b+1}/dense2"),
        ("encoder.layers.encoder_layer_{b}.mlp.linear_{k}", "block{b+1}/dense{k}"),
        ("encoder.ln", "last_norm"),
        ("heads.head", "head"),
    ),
    options={"resampling": "torchvision"},
)

_HUGGING_FACE = (
    ("embeddings.cls_token", "class_token"),
    ("embeddings.position_embeddings", "positions"),
    ("embeddings.patch_embeddings.projection", "patches"),
    ("encoder.layer.{b}.attention.attention.query", "block{b+1}/attention/query"),
    ("encoder.layer.{b}.attention.attention.key", "block{b+1}/attention/key"),
    ("encoder.layer.{b}.attention.attention.value", "block{b+1}/attention/value"),
    ("encoder.layer.{b}.attention.output.dense", "block{b+1}/attention/out"),
    ("layernorm", "last_norm"),
    ("classifier", "head"),
)
HUGGING_FACE = KeyMap(
    "huggingface",
    (
        *_HUGGING_FACE,
        ("encoder.layer.{b}.layernorm_before", "block{b+1}/norm1"),
        ("encoder.layer.{b}.layernorm_after", "block{b+1}/norm2"),
        ("encoder.layer.{b}.intermediate.dense", "block{b+1}/dense1"),
        ("encoder.layer.{b}.output.dense", "block{b+1}/dense2"),
    ),
    ignored=("pooler.{*}", "embeddings.mask_token"),
    prefixes=("vit.",),
    options={"epsilon": 1e-12},
)
HUGGING_FACE_DINOV2 = KeyMap(
    "huggingface",
    (
        *_HUGGING_FACE,
        ("encoder.layer.{b}.norm{k}", "block{b+1}/norm{k}"),
        ("encoder.layer.{b}.layer_scale{k}.lambda1", "block{b+1}/scale{k}"),
        ("encoder.layer.{b}.mlp.fc{k}", "block{b+1}/dense{k}"),
    ),
    ignored=("embeddings.mask_token",),
    prefixes=("dinov2.",),
)

KEY_MAPS = (TIMM, TORCHVISION, HUGGING_FACE)
DINOV2_KEY_MAPS = (TIMM_DINOV2, DINOV2, HUGGING_FACE_DINOV2)
