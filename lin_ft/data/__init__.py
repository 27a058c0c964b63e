"""Data: packaged and TFDS data sets, image folders, .npz files, few-shot tasks."""

from lin_ft.data.catalogue import CatalogueRow, DatasetInfo, catalogue, info
from lin_ft.data.dataset import ImageData, load_split, splits_of
from lin_ft.data.packaged import PackagedDataset
from lin_ft.data.sheet import contact_sheet
from lin_ft.data.task import Task, load_task

__all__ = [
    "CatalogueRow",
    "DatasetInfo",
    "ImageData",
    "PackagedDataset",
    "Task",
    "catalogue",
    "contact_sheet",
    "info",
    "load_split",
    "load_task",
    "splits_of",
]
