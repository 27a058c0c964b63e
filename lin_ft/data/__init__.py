"""Data: packaged and TFDS data sets, image folders, .npz files, few-shot tasks."""

from lin_ft.data.accounting import Accounting, Unused
from lin_ft.data.catalogue import CatalogueRow, DatasetInfo, catalogue, info
from lin_ft.data.dataset import load_split, load_splits, splits_of
from lin_ft.data.image_data import ImageData, Splits
from lin_ft.data.packaged import PackagedDataset
from lin_ft.data.sheet import captioned_sheet, contact_sheet
from lin_ft.data.task import Task, load_task, load_whole
from lin_ft.data.unlabelled import Unlabelled, load_unlabelled

__all__ = [
    "Accounting",
    "CatalogueRow",
    "DatasetInfo",
    "ImageData",
    "PackagedDataset",
    "Splits",
    "Task",
    "Unlabelled",
    "Unused",
    "captioned_sheet",
    "catalogue",
    "contact_sheet",
    "info",
    "load_split",
    "load_splits",
    "load_task",
    "load_unlabelled",
    "load_whole",
    "splits_of",
]
