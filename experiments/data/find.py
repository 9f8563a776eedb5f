"""Where the files of a data set are: in one of several places, or else downloaded.

A place is a directory with files of several data sets, in the folders and under the
names of their publishers, torchvision or Keras. If `data_dir` is given, it is the
only place. It may also hold the files of the data set directly, or be an archive of
them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from ..config.source import TITLES, Source
from ..terminal.errors import DataError
from . import download
from .archives import open_archive
from .catalogue import CATALOGUE, Entry
from .trees import Directory, Tree


def _home() -> Path:
    """Returns the home directory, or the working directory for users without one."""
    try:
        return Path.home()
    except RuntimeError:
        return Path()


def cache_directory() -> Path:
    """Returns the directory of downloads."""
    cache = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    return Path(cache, "lrn_jax")


def _places(cache: Path) -> list[Path]:
    """Returns the collections to search if the user names no place."""
    own = os.environ.get("LRN_JAX_DATA")
    return [
        *([Path(own)] if own else []),
        cache,
        Path("data"),
        _home() / ".keras" / "datasets",
    ]


def open_place(place: Path) -> Tree:
    """Returns the files of a directory or an archive.

    Raises:
      DataError: If it is something else.
    """
    directory = Directory(place)
    if directory.is_file(""):
        return open_archive(place)
    if place.exists() and not place.is_dir():
        raise DataError(
            f"{place} cannot be read: expected a directory or an archive, but it is a "
            "device or a pipe. Correct --data-dir."
        )
    return directory


def _in_archive(tree: Tree, entry: Entry) -> Iterator[Tree]:
    """Yields the folders of an archive in which the files could be."""
    yield tree
    for folder in entry.folders:
        yield tree.below(folder)
    folders, files = tree.children()
    if len(folders) == 1 and not files:
        yield tree.below(folders[0])


def _in_directory(place: Path, entry: Entry) -> Iterator[Tree]:
    """Yields the folders and archives of a place in which the files could be."""
    for folder in entry.folders:
        yield Directory(place / folder)
    for folder in ("", *entry.folders):
        for name in entry.archives:
            if Directory(place / folder).is_file(name):
                yield from _in_archive(open_archive(place / folder / name), entry)


def _in_named(place: Path, entry: Entry) -> Iterator[Tree]:
    """Yields the folders of `--data-dir` in which the files could be."""
    tree = open_place(place)
    if isinstance(tree, Directory):
        yield tree
        yield from _in_directory(place, entry)
    else:
        yield from _in_archive(tree, entry)


def find(source: Source) -> Tree:
    """Returns the tree with all files of a data set; downloads them if there is none.

    Raises:
      DataError: If they are nowhere, and cannot or must not be downloaded.
    """
    entry = CATALOGUE[source.dataset]
    named = source.data_dir
    cache = cache_directory()
    if named is not None:
        places = {named: _in_named(named, entry)}
    else:
        places = {place: _in_directory(place, entry) for place in _places(cache)}
    lacking = []
    for trees in places.values():
        for tree in trees:
            missing = entry.reader.missing(tree)
            if missing is None:
                return tree
            lacking.append(missing)
    if named is None and entry.downloads and not source.offline:
        for published in entry.downloads:
            download.fetch(published, cache)
        for tree in _in_directory(cache, entry):
            if entry.reader.missing(tree) is None:
                return tree
        there = ", ".join(str(cache / each.path) for each in entry.downloads)
        raise DataError(
            f"{there} is not the published file: expected {entry.reader.wanted} in it. "
            "Remove it, and it is downloaded."
        )

    searched = ", ".join(
        f"{place}{'' if place.exists() else ' (which is not there)'}"
        for place in places
    )
    if named is not None:
        fix, download_by = "Correct --data-dir", ", or leave it out to download them"
    else:
        fix = "Name the directory or archive that has them with --data-dir"
        download_by = ", or leave out --offline to download them"
    raise DataError(
        f"No {lacking[0]}: {TITLES[source.dataset]} was looked for in {searched}. "
        f"Expected {entry.reader.wanted}. "
        f"{fix}{download_by if entry.downloads else ''}."
    )
