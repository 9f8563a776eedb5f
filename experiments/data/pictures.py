"""Folders of images, one for each class: JPEG or PNG files (decoding.py).

Two layouts, in a directory or an archive, below any number of folders that hold nothing
but the next one:

    train/CLASS/*.jpg and test/CLASS/*.jpg      the same classes in both
    CLASS/*.jpg                                 a fifth of each class becomes the test

Classes are numbered in the alphabetical order of their names.

Files beside the folders and hidden files are left alone. Everything else that could
be a mistake is refused by name: a folder or another file than a JPEG or PNG in a
class folder, an image beside the class folders, an empty class, a class in one of
train and test only, fewer than two classes.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..terminal.errors import DataError
from . import protocol
from .decoding import LARGEST_FILE, decode
from .parts import Found, Split, UnusableFilesError
from .trees import Tree

_ENDINGS = (".jpg", ".jpeg", ".png")
_SPLIT = ["test", "train"]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images in files, decoded each time they are taken."""

    tree: Tree
    names: tuple[str, ...]
    labels: np.ndarray
    side: int
    resize: bool

    def __len__(self) -> int:
        return len(self.names)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of every image."""
        return (self.side, self.side, 3)

    def take(self, indices: np.ndarray) -> Split:
        """Returns the images and labels at `indices`, decoded.

        Raises:
          UnusableFilesError: If images do not decode; it names them.
        """
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        reasons = {}
        for image, index in zip(images, indices, strict=True):
            name = self.names[index]
            path = self.tree.path(name)
            try:
                content = self.tree.read(name, LARGEST_FILE)
                image[:] = decode(content, path, self.side, resize=self.resize)
            except DataError as error:
                reasons[path] = str(error)
        if reasons:
            raise UnusableFilesError(reasons)
        return Split(images, self.labels[indices])

    def select(self, indices: np.ndarray) -> "Pictures":
        """Returns a part with the images at `indices`; reads nothing."""
        names = tuple(self.names[index] for index in indices)
        return replace(self, names=names, labels=self.labels[indices])


def _innermost(tree: Tree) -> Tree:
    """Returns the tree below folders that hold nothing but the next folder."""
    folders, files = tree.children()
    while len(folders) == 1 and folders[0] not in _SPLIT and not files:
        inner = tree.below(folders[0])
        folders, files = inner.children()
        if not folders:  # a class
            break
        tree = inner
    return tree


def _refuse_pictures(tree: Tree, files: list[str]) -> None:
    for name in files:
        if name.lower().endswith(_ENDINGS):
            raise DataError(
                f"{tree.path(name)} is in no class: expected a folder for each class, "
                "and images in them only. Move it into one."
            )


def _class_files(tree: Tree, unusable: dict[str, str]) -> list[str]:
    """Returns the images of a class; what else is there is added to `unusable`."""
    folders, files = tree.children()
    if not folders and not files:
        raise DataError(
            f"{tree.path()} is empty: expected images of that class. Add some, or "
            "remove the folder."
        )
    for name in folders:
        unusable[tree.path(name)] = (
            f"{tree.path(name)} is a folder in a class folder: expected images only. "
            "The layouts are train/CLASS/*.jpg with test/CLASS/*.jpg, or CLASS/*.jpg."
        )
    images = [name for name in files if name.lower().endswith(_ENDINGS)]
    for name in sorted({*files} - {*images}):
        unusable[tree.path(name)] = (
            f"{tree.path(name)} is no image this program reads: expected only files "
            f"that end in {', '.join(_ENDINGS)} in a class folder. Convert or remove "
            "it."
        )
    return images


def _classes(tree: Tree, parts: list[str]) -> list[dict[str, list[str]]]:
    """Returns the names of the images of each class, in each of the parts."""
    unusable: dict[str, str] = {}
    found = []
    for part in parts:
        top = tree.below(part)
        folders, files = top.children()
        _refuse_pictures(top, files)
        if len(folders) < 2:
            raise DataError(
                f"{top.path()} has too few classes: expected at least two folders with "
                f"images, but got {', '.join(folders) or 'none'}."
            )
        prefix = f"{part}/" if part else ""
        found.append(
            {
                name: [
                    f"{prefix}{name}/{file}"
                    for file in _class_files(top.below(name), unusable)
                ]
                for name in folders
            }
        )
    if unusable:
        raise UnusableFilesError(unusable)
    return found


@dataclass(frozen=True)
class PictureFolders:
    """Reads folders of images."""

    side: int
    class_names: tuple[str, ...] | None = None
    """The only classes allowed; images must then have the right size, and be in train
    and test. None for any classes and sizes."""
    wanted: str = "train/CLASS/*.jpg and test/CLASS/*.jpg"

    def missing(self, tree: Tree) -> str | None:
        """Returns which folders `tree` lacks, or None."""
        folders, _ = _innermost(tree).children()
        lacking = [part for part in reversed(_SPLIT) if part not in folders]
        return f"{lacking[0]} folder" if lacking else None

    def read(self, tree: Tree) -> Found:
        """Returns the images in `tree`, not decoded yet.

        Raises:
          DataError: If the folders are not in one of the two layouts.
        """
        if not any(tree.children()):
            raise DataError(
                f"{tree.path()} holds no classes: expected {self.wanted}, or CLASS/"
                "*.jpg, but it is empty or not there. --data-dir names the place."
            )
        tree = _innermost(tree)
        folders, files = tree.children()
        if not set(_SPLIT) & set(folders):
            return self._split(tree)
        _refuse_pictures(tree, files)
        if folders != _SPLIT:
            raise DataError(
                f"{tree.path()} mixes layouts: expected train and test and no other "
                f"folder beside them, but got {', '.join(folders)}."
            )
        test, train = _classes(tree, _SPLIT)
        different = sorted(train.keys() ^ test.keys())
        if different:
            raise DataError(
                f"{tree.path()} has classes in one part only: expected the same in "
                f"train and test, but these are not: {', '.join(different)}."
            )
        if self.class_names not in (None, tuple(train)):
            raise DataError(
                f"{tree.path()} has other classes than it should: expected "
                f"{', '.join(self.class_names)}, but got {', '.join(train)}."
            )
        return self._found(tree, train, test)

    def _split(self, tree: Tree) -> Found:
        random = protocol.random()
        train, test = {}, {}
        (classes,) = _classes(tree, [""])
        for name, files in classes.items():
            if len(files) < 2:
                raise DataError(
                    f"{tree.path(name)} has too few images: expected at least two, one "
                    "to train on and one to test with, but there is one."
                )
            train[name], test[name] = (
                [files[index] for index in indices]
                for indices in protocol.hold_out_test(random.permutation(len(files)))
            )
        return self._found(tree, train, test)

    def _found(self, tree: Tree, *parts: dict[str, list[str]]) -> Found:
        train, test = (
            Pictures(
                tree=tree,
                names=tuple(file for files in part.values() for file in files),
                labels=np.repeat(
                    np.arange(len(part), dtype=np.int32),
                    [len(files) for files in part.values()],
                ),
                side=self.side,
                resize=self.class_names is None,
            )
            for part in parts
        )
        return Found(train, test, tuple(parts[0]))
