"""What the sub-folders of a folder are: classes, or splits that hold classes, or classes that hold splits."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lin_ft.data.accounting import NO_PICTURE, OUTSIDE, UNLABELLED, Unused, relative
from lin_ft.data.class_names import class_key
from lin_ft.data.split_names import SPLITS, is_fold, splits_of_names
from lin_ft.data.tree import Folder
from lin_ft.errors import InputError


@dataclass
class Layout:
    """Picture files by split and class folder, and the files that no class holds."""

    root: Path
    files: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    unused: list[Unused] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def leave_out(self, paths: Iterable[Path], reason: str, detail: str = "") -> None:
        """Count these files as not used, with the reason."""
        self.unused += [Unused(relative(path, self.root), reason, detail) for path in paths]

    def leave_out_folder(self, folder: Folder, reason: str, detail: str = "") -> None:
        """Count everything below the folder as not used: its pictures for `reason`, the rest as no pictures."""
        self.leave_out(folder.every_picture(), reason, detail)
        self.leave_out(folder.every_other(), NO_PICTURE)

    def leave_out_files(self, folder: Folder, detail: str = "") -> None:
        """Those that lie in the folder itself, beside the sub-folders."""
        self.leave_out(folder.pictures, OUTSIDE, detail)
        self.leave_out(folder.others, NO_PICTURE)

    def enter(self, folder: Folder, inner: Folder) -> None:
        """Go on in a folder further down."""
        if inner is not folder:
            self.leave_out((path for path in folder.every_other() if inner.path not in path.parents), NO_PICTURE)
            self.notices.append(f"The classes are taken from {relative(inner.path, self.root)}.")


def layout_of(tree: Folder) -> Layout:
    """The layout of a folder; a lone sub-folder that holds all the others is entered.

    Splits are sub-folders with a name of `lin_ft.data.split_names` that hold the class folders. Raises InputError, with
    what was seen: no sub-folder with pictures; names of splits that cannot be used as such; a class folder with files
    but no picture.
    """
    layout = Layout(tree.path)
    top = _unwrapped(tree, stop_at_splits=True)
    layout.enter(tree, top)
    holding = top.holding()
    if not holding:
        stray = f", only {_count(tree)}" if tree.every_picture() or tree.every_other() else ""
        raise InputError(
            f"The folder {tree.path} holds no sub-folder with images{stray}: give it one sub-folder of images a class."
        )
    splits = splits_of_names(folder.name for folder in holding)
    if splits and _are_splits(top, splits):
        _split_folders(top, splits, layout)
    elif any(map(_inner_splits, holding)):
        _class_folders_with_splits(top, layout)
    elif len(holding) > 1 and all(is_fold(folder.name) and folder.holding() for folder in holding):
        raise InputError(
            f"The sub-folders of {top.path} look like folds of one data set ({_names(holding)}) with classes in each:"
            " merge them, or rename them train, validation and test."
        )
    else:
        layout.files["train"] = _classes(top, layout)
    return layout


def _are_splits(top: Folder, splits: dict[str, str]) -> bool:
    """Whether the folders named like splits are some. Raises InputError where that cannot be told."""
    named = [folder for folder in top.holding() if folder.name in splits]
    others = [folder for folder in top.holding() if folder.name not in splits]
    kinds = [splits[folder.name] for folder in named]
    if others and kinds == ["train"] and not named[0].holding():
        return False  # the vehicle, among bus and car
    seen = f"The sub-folders of {top.path} look like splits ({', '.join(map(_described, named))})"
    seen += f" beside others with pictures ({', '.join(map(_described, others))})" if others else ""
    if "train" not in kinds:
        advice = "put the training images into train/CLASS, or rename the sub-folder if it is a class"
        raise InputError(f"{seen}, but none of them is train: {advice}.")
    doubled = next((kind for kind in SPLITS if kinds.count(kind) > 1), None)
    if doubled:
        twice = _names(folder for folder in named if splits[folder.name] == doubled)
        raise InputError(f"{seen}, and {twice} are all {doubled}: keep one of them, or merge them.")
    train = named[kinds.index("train")]
    if not train.holding():
        raise InputError(f"{seen}, but {train.name} has no sub-folders with pictures: give it one a class.")
    if others and kinds == ["train"]:
        raise InputError(
            f"{seen}: move the others away if {train.name} is the training split; rename it if it is a class."
        )
    return True


def _split_folders(top: Folder, splits: dict[str, str], layout: Layout) -> None:
    layout.leave_out_files(top, "beside the splits")
    used = {splits[folder.name]: folder for folder in top.holding() if folder.name in splits}
    for folder in top.folders:
        if folder not in used.values():
            layout.leave_out_folder(folder, OUTSIDE, "beside the splits")
    for split in (split for split in SPLITS if split in used):
        inner = _unwrapped(used[split])
        names = {class_key(folder.name) for folder in inner.holding()}
        known = {class_key(name) for name in layout.files.get("train", {})}
        if not names or (split != "train" and len(names) == 1 < len(known) and not names & known):  # test/unknown
            layout.leave_out_folder(used[split], UNLABELLED)
            layout.notices.append(f"The pictures of {used[split].name} are in no class folders, so they are not used.")
        else:
            layout.enter(used[split], inner)
            layout.files[split] = _classes(inner, layout)


def _class_folders_with_splits(top: Folder, layout: Layout) -> None:
    """CLASS/train and CLASS/test."""
    holding = top.holding()
    inner = [_inner_splits(folder) for folder in holding]
    odd = [
        folder
        for folder, splits in zip(holding, inner, strict=True)
        if folder.pictures or "train" not in splits.values() or len(set(splits.values())) < len(splits)
    ]
    if odd:
        good = next(folder for folder, splits in zip(holding, inner, strict=True) if splits)
        raise InputError(
            f"The class folders of {top.path} hold splits ({_described(good)}), but not all of them do, each once and"
            f" with train among them ({', '.join(map(_described, odd))}): give every class the same ones."
        )
    layout.leave_out_files(top)
    _check_pictures(top)
    for folder, splits in zip(holding, inner, strict=True):
        layout.leave_out_files(folder)
        for part in folder.folders:
            if part.name in splits:
                layout.files.setdefault(splits[part.name], {})[folder.name] = part.every_picture()
            layout.leave_out(part.every_other(), NO_PICTURE)
    layout.files = {split: layout.files[split] for split in SPLITS if split in layout.files}


def _classes(parent: Folder, layout: Layout) -> dict[str, list[Path]]:
    """The pictures of each class folder, at any depth."""
    layout.leave_out_files(parent)
    _check_pictures(parent)
    for folder in parent.folders:
        layout.leave_out(folder.every_other(), NO_PICTURE)
    return {folder.name: folder.every_picture() for folder in parent.holding()}


def _check_pictures(parent: Folder) -> None:
    without = [folder for folder in parent.folders if folder.every_other() and not folder.holds_pictures()]
    if without:
        raise InputError(
            f"The sub-folder {without[0].path} holds {_count(without[0])}, but no picture: a class folder must hold"
            " pictures; move a folder of other things away."
        )


def _unwrapped(folder: Folder, *, stop_at_splits: bool = False) -> Folder:
    """The folder itself, or the one further down that holds the classes: data/train/ant, train/train/ant."""
    inner = folder
    while not inner.pictures and len(holding := inner.holding()) == 1:
        if stop_at_splits and splits_of_names([holding[0].name]):
            break
        inner = holding[0]
    return inner if inner.holding() else folder


def _inner_splits(folder: Folder) -> dict[str, str]:
    """Sub-folders of a class folder that are splits, where all that hold pictures are, two at least."""
    names = [each.name for each in folder.holding()]
    splits = splits_of_names(names)
    return splits if len(names) == len(splits) > 1 else {}


def _described(folder: Folder) -> str:
    """Its name and what is in it."""
    inside = [each.name for each in folder.holding()]
    return f"{folder.name} with {_listed(inside) if inside else _count(folder)}"


def _count(folder: Folder) -> str:
    files = folder.every_picture() or folder.every_other()
    what = "picture" if folder.holds_pictures() else "file"
    return f"{len(files)} {what}{'' if len(files) == 1 else 's'} ({_listed(path.name for path in files)})"


def _names(folders: Iterable[Folder]) -> str:
    return _listed((folder.name for folder in folders), most=5)


def _listed(names: Iterable[str], most: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
