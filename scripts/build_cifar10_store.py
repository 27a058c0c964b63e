"""Build the official-named TFDS store `cifar10` from cifar10_train.npz and cifar10_test.npz.

    python scripts/build_cifar10_store.py --source FOLDER [--data-dir FOLDER]

The .npz files hold JPEG streams end to end (`jpeg`), their bounds (`offsets`), `label` and `names`. The
store is readable by unmodified `tfds.data_source("cifar10", ...)`, with the features of the official one:
id, image, label.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data.store import png, quiet_tfds, store_dir, write_store
from lin_ft.errors import InputError

Split = dict[str, np.ndarray]


def read_split(source: Path, split: str) -> Split:
    path = source / f"cifar10_{split}.npz"
    if not path.is_file():
        raise InputError(f"{path} is missing: give with --source the folder that holds cifar10_train.npz.")
    with np.load(path, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in ("jpeg", "offsets", "label", "names")}


def rows(arrays: Split, split: str) -> Iterator[dict[str, Any]]:
    from PIL import Image

    jpeg, offsets = arrays["jpeg"].tobytes(), arrays["offsets"]
    for i, label in enumerate(arrays["label"]):
        image = np.asarray(Image.open(io.BytesIO(jpeg[offsets[i] : offsets[i + 1]])).convert("RGB"))
        yield {"id": f"{split}_{i:05d}", "image": png(image), "label": int(label)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="folder with cifar10_train.npz and _test.npz")
    parser.add_argument("--data-dir", type=Path, default=store_dir(), help="TFDS folder (default: %(default)s)")
    options = parser.parse_args()
    try:
        arrays = {split: read_split(options.source, split) for split in ("train", "test")}
        version = str(quiet_tfds().builder_cls("cifar10").VERSION)
        target = options.data_dir / "cifar10" / version
        if target.is_dir():
            print(f"{target} is already built")
            return 0

        def features(tfds: Any) -> dict[str, Any]:
            return {
                "id": tfds.features.Text(),
                "image": tfds.features.Image(shape=(32, 32, 3)),
                "label": tfds.features.ClassLabel(names=[str(name) for name in arrays["train"]["names"]]),
            }

        splits = {split: rows(part, split) for split, part in arrays.items()}
        total = sum(len(part["label"]) for part in arrays.values())
        print(write_store(options.data_dir, "cifar10", version, features, splits, total))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
