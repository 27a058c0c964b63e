"""Data: packaged and TFDS data sets, image folders, .npz files, few-shot tasks."""

from lin_ft.data.dataset import ImageData, load_split
from lin_ft.data.packaged import PackagedDataset

__all__ = ["ImageData", "PackagedDataset", "load_split"]
