"""Data sets: images and labels, split once and for all, the same for every run.

    Source -> find.py        where the files are; download.py, archives, trees.py
           -> catalogue.py   who reads them: idx.py (npy.py), cifar.py (pickles.py),
                             folders.py (pictures.py)
           -> protocol.py    which images are for training, validation and the test
           -> first_pass.py  every image decoded once (decoding.py), and a fingerprint
           -> notes.py       what whoever reads results should know
           -> Dataset        three parts (parts.py), in memory or decoded on demand

`load` does all of it and caches nothing: the data set is passed on as an argument.
`Stream` decodes batches ahead of training. Apart from all that, weights_npy.py reads
weights of networks: its files are pickles, too.
"""

from collections import Counter

from ..config.source import TITLES, DatasetName, Source
from . import digits, notes, protocol
from .catalogue import CATALOGUE
from .dataset import Dataset
from .find import find, open_place
from .first_pass import OnProgress, decode_once, leave_out
from .folders import PictureFolders
from .parts import Found, Part, Split, UnusableFilesError
from .protocol import VALIDATION_SHARE
from .stream import Stream, gather

__all__ = [
    "TITLES",
    "VALIDATION_SHARE",
    "Dataset",
    "DatasetName",
    "OnProgress",
    "Part",
    "Source",
    "Split",
    "Stream",
    "gather",
    "load",
]


def _read_folder(source: Source) -> Found:
    """Returns a data set in folders of images."""
    assert source.data_dir is not None  # checked by Source
    reader = PictureFolders(source.image_size, skip_damaged=source.skip_damaged)
    named = {"validation": source.val_dir, "test": source.test_dir}
    return reader.read(
        open_place(source.data_dir),
        {part: open_place(place) for part, place in named.items() if place},
    )


def _read(source: Source) -> tuple[Found, str]:
    """Returns the data set in files, and its title."""
    title = TITLES[source.dataset]
    if source.dataset == "folder":
        assert source.data_dir is not None  # checked by Source
        return _read_folder(source), f"{title} {source.data_dir.resolve().name}"
    found = CATALOGUE[source.dataset].reader.read(find(source))
    return found, title if found.published else f"{title} (not the published files)"


def _load(source: Source, on_progress: OnProgress) -> Dataset:
    random = protocol.random()
    if source.dataset == "digits":
        rest, title, white = Split(*digits.load()), TITLES["digits"], digits.WHITE
        order, test_indices = protocol.hold_out_test(random.permutation(len(rest)))
        found = Found(rest, rest.take(test_indices), digits.CLASS_NAMES)
    else:
        (found, title), white = _read(source), 255
        order = random.permutation(len(found.train))
    training, validation = found.train, found.validation
    if validation is None:
        training, validation = map(training.select, protocol.hold_out_validation(order))
    parts = [training, validation, found.test]
    skipped = Counter(found.skipped)
    try:
        decoded, fingerprint = decode_once(parts, on_progress)
    except UnusableFilesError as error:
        if not source.skip_damaged:
            raise
        parts, labels = leave_out(parts, error)
        skipped.update(found.class_names[label] for label in labels)
        decoded, fingerprint = decode_once(parts, on_progress)
    training, validation, test = decoded
    return Dataset(
        source.dataset,
        title,
        training,
        validation,
        test,
        white,
        found.class_names,
        fingerprint,
        (
            *found.notes,
            *notes.on_skipped(skipped),
            *notes.on_parts(training.labels, test.labels, found.class_names),
        ),
    )


def load(source: Source, on_progress: OnProgress = lambda done, total: None) -> Dataset:
    """Returns a data set; every image in it has been decoded once.

    Raises:
      DataError: If a file is missing, damaged, or of another kind.
    """
    try:
        return _load(source, on_progress)
    except UnusableFilesError as error:
        if source.dataset != "folder" or source.skip_damaged or not error.skippable:
            raise
        hint = "--skip-damaged goes on without them."
        raise UnusableFilesError(error.reasons, hint=hint) from error
