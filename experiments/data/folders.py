"""Folders of images, one for each class: the layouts, and what could be a mistake.

In a directory or an archive, below any number of folders that hold nothing but the next
one:

    train/CLASS/*.jpg, val/CLASS/*.jpg, test/CLASS/*.jpg
    train/CLASS/*.jpg and test/CLASS/*.jpg    a tenth of train is for validation
    train/CLASS/*.jpg and val/CLASS/*.jpg     the same, and val is the test
    CLASS/*.jpg                               a fifth of each class becomes the test

Parts have other names, too (`_PARTS`), in any case. Validation and test may also stand
elsewhere (`named`); what is read is the training part then. Classes are numbered in the
alphabetical order of their names.

Other files beside the folders are left alone and counted. Everything else that could be
a mistake is refused by name: a folder or a file that is no image in a class folder, an
image beside the class folders, an empty class, a class in one part only, fewer than two
classes, and what can be read in two ways.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..terminal.errors import DataError
from . import protocol
from .parts import Found, UnusableFilesError, listed
from .pictures import Pictures
from .trees import Tree

_ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_NAMES = {
    "train": ("train", "training", "training_set"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing", "test_set"),
}
_PARTS = {name: part for part, names in _NAMES.items() for name in names}
_OPTIONS = "--data-dir, --val-dir and --test-dir"
_Classes = dict[str, list[str]]


def _part(folder: str) -> str | None:
    """Returns the part that a folder has the name of, or None."""
    return _PARTS.get(folder.casefold())


def _innermost(tree: Tree, *, into_parts: bool = False) -> Tree:
    """Returns the tree below folders that hold nothing but the next folder."""
    folders, files = tree.children()
    while len(folders) == 1 and not files and (into_parts or not _part(folders[0])):
        inner = tree.below(folders[0])
        folders, files = inner.children()
        if not folders:  # a class
            break
        tree = inner
    return tree


def _files(tree: Tree) -> Iterator[str]:
    """Yields the names of all files, also of those in folders."""
    folders, files = tree.children()
    yield from files
    for folder in folders:
        for name in _files(tree.below(folder)):
            yield f"{folder}/{name}"


def _copy(tree: Tree, folders: list[str]) -> str | None:
    """Returns the folder that is a copy of those beside it, or None.

    Raises:
      DataError: If a folder has others of the same names, but other files in them.
    """
    for name in folders:
        inner, beside = tree.below(name), [each for each in folders if each != name]
        if not beside or inner.children()[0] != beside:
            continue
        if all(
            [*_files(tree.below(each))] == [*_files(inner.below(each))]
            for each in beside
        ):
            return name
        raise DataError(
            f"{tree.path()} can be read in two ways: {', '.join(beside)} are there, "
            f"and with other files also in {name}. Name one of the two with "
            f"--data-dir, or move {name} away."
        )
    return None


def _refuse_pictures(tree: Tree, files: list[str]) -> None:
    for name in files:
        if name.lower().endswith(_ENDINGS):
            raise DataError(
                f"{tree.path(name)} is in no class: expected a folder for each class, "
                f"and images in them only. Move it into one, or use {_OPTIONS} to name "
                "folders that have classes."
            )


def _beside(tree: Tree) -> tuple[list[str], list[str]]:
    """Returns the folders at the top of a tree, and what is left alone there."""
    folders, files = tree.children()
    copy = _copy(tree, folders)
    if copy is None:
        return folders, files
    folders.remove(copy)
    return folders, [*files, f"{copy} (a copy of the folders beside it)"]


def _parts(tree: Tree, folders: list[str]) -> dict[str, str]:
    """Returns the folder of each part; none if the folders are classes."""
    named = [name for name in folders if _part(name)]
    others = [name for name in folders if name not in named]
    if not named or (
        others and not any(tree.below(name).children()[0] for name in named)
    ):
        return {}  # a class may be called train: it is a vehicle
    if others:
        raise DataError(
            f"{tree.path()} mixes layouts: {', '.join(named)} hold folders, as parts "
            f"do, but {', '.join(others)} stand beside them. If these are classes, "
            f"they belong into a part; if not, move them away, or use {_OPTIONS}."
        )
    parts: dict[str, str] = {}
    for name in named:
        part = _PARTS[name.casefold()]
        if part in parts:
            raise DataError(
                f"{tree.path()} can be read in two ways: {parts[part]} and {name} are "
                f"both names of the {part} part. Say which one it is with {_OPTIONS}."
            )
        parts[part] = name
    if "train" not in parts or len(parts) == 1:
        raise DataError(
            f"{tree.path()} lacks a part: expected train with test or val, but got "
            f"{', '.join(named)}. To divide one part into training and test images, "
            "name it with --data-dir."
        )
    return parts


@dataclass
class _Rest:
    """What is no image of a class."""

    beside: list[str]
    """Names of what is left alone beside the folders."""
    folders: dict[str, str] = field(default_factory=dict)
    """Why folders in class folders are refused, by path."""
    files: dict[str, str] = field(default_factory=dict)
    """Why files in class folders cannot be used, by path."""
    skipped: Counter[str] = field(default_factory=Counter)
    """The number of those files, by class."""


def _class_files(tree: Tree, name: str, rest: _Rest) -> list[str]:
    """Returns the images of a class; what else is there is added to the rest."""
    tree = tree.below(name)
    folders, files = tree.children()
    if not folders and not files:
        raise DataError(
            f"{tree.path()} is empty: expected images of that class. Add some, or "
            "remove the folder."
        )
    for folder in folders:
        rest.folders[tree.path(folder)] = (
            f"{tree.path(folder)} is a folder in a class folder: expected images only. "
            f"Use {_OPTIONS} to name folders that have classes."
        )
    images = [file for file in files if file.lower().endswith(_ENDINGS)]
    for file in sorted({*files} - {*images}):
        rest.skipped[name] += 1
        rest.files[tree.path(file)] = (
            f"{tree.path(file)} is no image this program reads: expected only files "
            f"that end in {', '.join(_ENDINGS)} in a class folder. Convert or remove "
            "it."
        )
    return [f"{name}/{image}" for image in images]


def _class_folders(tree: Tree, rest: _Rest) -> _Classes:
    """Returns the images of each class; what else is there is added to the rest."""
    folders, beside = _beside(tree)
    _refuse_pictures(tree, beside)
    if len(folders) < 2:
        raise DataError(
            f"{tree.path()} has too few classes: expected at least two folders with "
            f"images, but got {', '.join(folders) or 'none'}."
        )
    rest.beside += beside
    return {name: _class_files(tree, name, rest) for name in folders}


def _hold_out_test(classes: _Classes, tree: Tree) -> tuple[_Classes, _Classes]:
    """Returns the training and the test images of each class."""
    random = protocol.random()
    train, test = {}, {}
    for name, files in classes.items():
        if len(files) < 2:
            raise DataError(
                f"{tree.path(name)} has too few images: expected at least two, one "
                f"to train on and one to test with, but it has {len(files)}."
            )
        train[name], test[name] = (
            [files[index] for index in indices]
            for indices in protocol.hold_out_test(random.permutation(len(files)))
        )
    return train, test


def _check_same(path: str, parts: Mapping[str, _Classes]) -> None:
    """Checks that all parts have the same classes."""
    classes = [set(part) for part in parts.values()]
    different = sorted(set.union(*classes) - set.intersection(*classes))
    if different:
        raise DataError(
            f"{path} has classes in one part only: expected the same in "
            f"{' and '.join(parts)}, but these are not: {', '.join(different)}."
        )


def _divided(
    tree: Tree, named: Mapping[str, Tree]
) -> tuple[dict[str, Tree], _Rest, list[str]]:
    """Returns the tree of each part, what else is there, and notes.

    There is no test where it is to be held out from the training images.
    """
    folders, beside = _beside(tree)
    names = _parts(tree, folders)
    notes = []
    if named and names:
        raise DataError(
            f"{tree.path()} holds {', '.join(names.values())}: expected the classes of "
            "the training part, since --val-dir or --test-dir is given. Name that part "
            "with --data-dir."
        )
    if names:
        _refuse_pictures(tree, beside)
        trees = {part: tree.below(name) for part, name in names.items()}
        if "test" not in trees:
            trees["test"] = trees.pop("validation")
            notes.append(
                f"No part is named test, so the test images are those in "
                f"{names['validation']}; a tenth of {names['train']} is held out for "
                "validation."
            )
    else:
        trees = {"train": tree, **named}
        beside = []  # what is beside classes is found with them
    trees = {part: _innermost(each, into_parts=True) for part, each in trees.items()}
    return trees, _Rest(beside), notes


@dataclass(frozen=True)
class PictureFolders:
    """Reads folders of images."""

    side: int
    class_names: tuple[str, ...] | None = None
    """The only classes allowed; images must then have the right size, and be in train
    and test. None for any classes and sizes."""
    skip_damaged: bool = False
    """Whether to leave out what is no image in a class folder."""
    wanted: str = "train/CLASS/*.jpg and test/CLASS/*.jpg"

    def missing(self, tree: Tree) -> str | None:
        """Returns which folders `tree` lacks, or None."""
        found = {_part(name) for name in _innermost(tree).children()[0]}
        lacking = [part for part in ("train", "test") if part not in found]
        return f"{lacking[0]} folder" if lacking else None

    def read(self, tree: Tree, named: Mapping[str, Tree] | None = None) -> Found:
        """Returns the images in `tree`, not decoded yet.

        Args:
          tree: All parts, or the training part alone.
          named: Validation and test, where they stand elsewhere.

        Raises:
          DataError: If the folders are not in one of the layouts.
        """
        for each in (tree, *(named or {}).values()):
            if not any(each.children()):
                raise DataError(
                    f"{each.path()} holds no classes: expected {self.wanted}, or CLASS/"
                    "*.jpg, but it is empty or not there. Correct the option that "
                    "names it."
                )
        tree = _innermost(tree)
        trees, rest, notes = _divided(tree, named or {})
        classes = {part: _class_folders(trees[part], rest) for part in trees}
        if rest.folders or (rest.files and not self.skip_damaged):
            unusable = rest.folders | rest.files
            raise UnusableFilesError(unusable, skippable=not rest.folders)
        _check_same(tree.path(), classes)
        if self.class_names not in (None, tuple(classes["train"])):
            raise DataError(
                f"{tree.path()} has other classes than it should: expected "
                f"{', '.join(self.class_names)}, but got {', '.join(classes['train'])}."
            )
        if "test" not in trees:
            trees["test"] = trees["train"]
            classes["train"], classes["test"] = _hold_out_test(
                classes["train"], trees["train"]
            )
        if rest.beside:
            notes.append(
                f"Left alone beside the folders: {len(rest.beside):,} "
                f"({listed(rest.beside)})."
            )
        parts = {part: self._pictures(trees[part], classes[part]) for part in trees}
        return Found(
            parts["train"],
            parts["test"],
            tuple(classes["train"]),
            validation=parts.get("validation"),
            notes=tuple(notes),
            skipped=rest.skipped,
        )

    def _pictures(self, tree: Tree, classes: _Classes) -> Pictures:
        return Pictures(
            tree=tree,
            names=tuple(file for files in classes.values() for file in files),
            labels=np.repeat(
                np.arange(len(classes), dtype=np.int32),
                [len(files) for files in classes.values()],
            ),
            side=self.side,
            resize=self.class_names is None,
        )
