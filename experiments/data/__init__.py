"""Data sets: images and labels, split once and for all, the same for every run.

    Source -> find.py        where the files are; download.py, archive.py, trees.py
           -> catalogue.py   who reads them: idx.py, cifar.py (pickles.py), pictures.py
           -> protocol.py    which images are for training, validation and the test
           -> first_pass.py  every image decoded once (decoding.py), and a fingerprint
           -> Dataset        three parts (parts.py), in memory or decoded on demand

`load` does all of it and caches nothing: the data set is passed on as an argument.
`Stream` decodes batches ahead of training.
"""

from ..config.source import TITLES, DatasetName, Source
from . import digits, protocol
from .catalogue import CATALOGUE
from .dataset import Dataset
from .find import find, open_place
from .first_pass import OnProgress, decode_once
from .parts import Found, Part, Split
from .pictures import PictureFolders
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


def _read(source: Source) -> tuple[Found, str]:
    """Returns the data set in files, and its title."""
    title = TITLES[source.dataset]
    if source.dataset == "folder":
        assert source.data_dir is not None  # checked by Source
        found = PictureFolders(source.image_size).read(open_place(source.data_dir))
        return found, f"{title} {source.data_dir.resolve().name}"
    found = CATALOGUE[source.dataset].reader.read(find(source))
    return found, title if found.published else f"{title} (not the published files)"


def load(source: Source, on_progress: OnProgress = lambda done, total: None) -> Dataset:
    """Returns a data set; every image in it has been decoded once.

    Raises:
      DataError: If a file is missing, damaged, or of another kind.
    """
    random = protocol.random()
    if source.dataset == "digits":
        rest, title, white = Split(*digits.load()), TITLES["digits"], digits.WHITE
        class_names = digits.CLASS_NAMES
        order, test_indices = protocol.hold_out_test(random.permutation(len(rest)))
        test = rest.take(test_indices)
    else:
        found, title = _read(source)
        rest, test, class_names, white = found.train, found.test, found.class_names, 255
        order = random.permutation(len(rest))
    training, validation = map(rest.select, protocol.hold_out_validation(order))
    (training, validation, test), fingerprint = decode_once(
        (training, validation, test), on_progress
    )
    return Dataset(
        source.dataset,
        title,
        training,
        validation,
        test,
        white,
        class_names,
        fingerprint,
    )
