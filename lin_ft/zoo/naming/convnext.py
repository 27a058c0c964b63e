"""Names of ConvNeXt-Tiny."""

from lin_ft.zoo.naming.key_map import KeyMap

TIMM = KeyMap(
    "timm",
    (
        ("stem.0", "stem"),
        ("stem.1", "stem_norm"),
        ("stages.{s}.downsample.0", "downsample{s+1}/norm"),
        ("stages.{s}.downsample.1", "downsample{s+1}/conv"),
        ("stages.{s}.blocks.{b}.conv_dw", "stage{s+1}_block{b+1}/depthwise"),
        ("stages.{s}.blocks.{b}.norm", "stage{s+1}_block{b+1}/norm"),
        ("stages.{s}.blocks.{b}.mlp.fc{k}", "stage{s+1}_block{b+1}/dense{k}"),
        ("stages.{s}.blocks.{b}.gamma", "stage{s+1}_block{b+1}/scale"),
        ("head.norm", "last_norm"),
        ("head.fc", "head"),
    ),
)

TORCHVISION = KeyMap(
    "torchvision",
    (
        ("features.0.0", "stem"),
        ("features.0.1", "stem_norm"),
        *(
            rule
            for stage in range(1, 5)
            for rule in (
                (f"features.{2 * stage - 1}.{{b}}.block.0", f"stage{stage}_block{{b+1}}/depthwise"),
                (f"features.{2 * stage - 1}.{{b}}.block.2", f"stage{stage}_block{{b+1}}/norm"),
                (f"features.{2 * stage - 1}.{{b}}.block.3", f"stage{stage}_block{{b+1}}/dense1"),
                (f"features.{2 * stage - 1}.{{b}}.block.5", f"stage{stage}_block{{b+1}}/dense2"),
                (f"features.{2 * stage - 1}.{{b}}.layer_scale", f"stage{stage}_block{{b+1}}/scale"),
                (f"features.{2 * stage}.0", f"downsample{stage + 1}/norm"),
                (f"features.{2 * stage}.1", f"downsample{stage + 1}/conv"),
            )
        ),
        ("classifier.0", "last_norm"),
        ("classifier.2", "head"),
    ),
)

HUGGING_FACE = KeyMap(
    "huggingface",
    (
        ("embeddings.patch_embeddings", "stem"),
        ("embeddings.layernorm", "stem_norm"),
        ("encoder.stages.{s}.downsampling_layer.0", "downsample{s+1}/norm"),
        ("encoder.stages.{s}.downsampling_layer.1", "downsample{s+1}/conv"),
        ("encoder.stages.{s}.layers.{b}.dwconv", "stage{s+1}_block{b+1}/depthwise"),
        ("encoder.stages.{s}.layers.{b}.layernorm", "stage{s+1}_block{b+1}/norm"),
        ("encoder.stages.{s}.layers.{b}.pwconv{k}", "stage{s+1}_block{b+1}/dense{k}"),
        ("encoder.stages.{s}.layers.{b}.layer_scale_parameter", "stage{s+1}_block{b+1}/scale"),
        ("layernorm", "last_norm"),
        ("classifier", "head"),
    ),
    prefixes=("convnext.",),
    options={"last_epsilon": 1e-12},
)

KEY_MAPS = (TIMM, TORCHVISION, HUGGING_FACE)
