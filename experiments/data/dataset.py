"""A data set, divided."""

from dataclasses import dataclass

from ..config.source import DatasetName
from .parts import Part


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three parts without a common image, and their description."""

    name: DatasetName
    title: str
    """Its name wherever results are shown."""
    train: Part
    """A `Split`, with all images in memory, or a part that decodes on demand."""
    validation: Part
    test: Part
    white: int
    """Value of white; black is 0."""
    class_names: tuple[str, ...]
    fingerprint: str
    """SHA-256 of images and labels of all parts, decoded and in order. Decoders of JPEG
    differ in the last bit, so for such images it depends on the version of Pillow."""
    notes: tuple[str, ...] = ()
    """Sentences that whoever reads results should know: what was left out, which part
    is small."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)
