"""Model files: every layer of local response normalization in one.

A format is one file here with a `Format`, and its place in the table below.
"""

import os
import re
import stat
from pathlib import Path

from . import _caffe, _darknet, _matconvnet, _nnef, _onnx, _tensorflow, _tflite
from ._layer import Format, Layer, ModelFileError, shown

# In the order in which they are asked whether the content is theirs.
FORMATS = (
    _tflite.FORMAT,
    _matconvnet.FORMAT,
    _onnx.FORMAT,
    *_tensorflow.FORMATS,
    _nnef.FORMAT,
    _darknet.FORMAT,
    _caffe.FORMAT,
)

_LARGEST = 2**31 - 1  # bytes; Protocol Buffers and FlatBuffers end there
_LARGEST_TEXT = 2**25
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")  # text may hold an escape
_IN_FOLDERS = ("saved_model.pb", "saved_model.pbtxt", "graph.nnef")


def read(path: str | os.PathLike[str]) -> list[Layer]:
    """The layers of local response normalization in a model file.

    Formats: ONNX, Caffe (prototxt), TensorFlow (GraphDef and SavedModel, as bytes or as
    text), TensorFlow Lite, MatConvNet (MAT files up to version 7), Darknet (cfg) and
    NNEF. The content tells which it is, or else the suffix. ONNX and TensorFlow Lite
    need packages that ``pip install '.[read]'`` installs.

    The arguments are those of the framework's function in `lrn_jax.conventions`, for
    its own axis. Numbers that the file holds in float32 are read as the shortest
    decimal: 1e-4, not 9.999999747378752e-05.

    Args:
      path: The file, or the folder of a SavedModel or of an NNEF model.

    Returns:
      One `Layer` for each, in the order of the file; none where the network has none.
      PyTorch exports to ONNX no such layer but its parts, which are not found.

    Raises:
      ModelFileError: If the file is of no known format, damaged or too large. It is a
        ValueError.
      ImportError: If the format needs a package that is not installed.
      OSError: If the file cannot be read.

    Example:
      >>> import pathlib, tempfile
      >>> from lrn_jax import conventions
      >>> file = pathlib.Path(tempfile.mkdtemp()) / "deploy.prototxt"
      >>> _ = file.write_text(
      ...     'layer { name: "norm1" type: "LRN" lrn_param { alpha: 1e-4 } }'
      ... )
      >>> (layer,) = conventions.read(file)
      >>> layer.name, layer.arguments == conventions.caffe_alexnet(axis=1)
      ('norm1', True)
    """
    file = Path(path)
    name = shown(str(file))
    if file.is_dir():
        inside = (file / each for each in _IN_FOLDERS)
        file = next((each for each in inside if each.exists()), file)
    data = _load(file, name)
    text = None
    if not _CONTROL.search(data):
        if len(data) > _LARGEST_TEXT:
            raise ModelFileError(f"{name} is text of more than {_LARGEST_TEXT} bytes.")
        text = data.decode("utf-8-sig", "backslashreplace")
    found = _format(file, data, text)
    if found is None:
        names = ", ".join(each.name for each in FORMATS)
        raise ModelFileError(f"{name} is of none of the known formats: {names}.")
    content = data if found.binary else text
    try:
        if content is None:
            raise ModelFileError("it is not text.")
        return list(found.layers(content))
    except ImportError:
        raise
    except Exception as error:  # the packages that read files raise errors of any kind
        reason = shown(str(error)) or type(error).__name__
        raise ModelFileError(
            f"{name} cannot be read as {found.name}: {reason}"
        ) from error


def _load(file: Path, name: str) -> bytes:
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):  # devices and pipes may never end
        names = " or ".join(_IN_FOLDERS)
        raise ModelFileError(f"{name} must be a file, or a folder with {names}.")
    if status.st_size > _LARGEST:
        raise ModelFileError(f"{name} is larger than 2 GiB.")
    data = file.read_bytes()
    if not data:
        raise ModelFileError(f"{name} is empty.")
    return data


def _format(file: Path, data: bytes, text: str | None) -> Format | None:
    """Returns the format of a file, by its content first and then by its name."""
    for each in FORMATS:
        content = data if each.binary else text
        if content is not None and each.recognises(content):
            return each
    name = file.name.lower()
    return next((each for each in FORMATS if name.endswith(each.suffixes)), None)
