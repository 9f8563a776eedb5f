"""The fields that a line of metrics must hold; other fields are left alone."""

from types import NoneType
from typing import Any, NotRequired, TypedDict, get_args, get_origin, get_type_hints

from .evaluation import Gains


class LRN(TypedDict, total=False):
    """The constants of LRN that were recorded."""

    bias: float
    alpha: float
    beta: float


class Recipe(TypedDict):
    """What all arms have in common."""

    name: NotRequired[str]
    dataset: str
    epochs: int
    target_accuracy: NotRequired[float | None]
    lrn: NotRequired[LRN]


class Reference(TypedDict):
    """A published accuracy."""

    arm: str
    accuracy: float
    source: NotRequired[str]
    note: NotRequired[str]


class Resumed(TypedDict):
    """Another environment in which a run went on after an interruption."""

    after_epoch: int
    environment: dict[str, str]
    devices: int


class Drawn(TypedDict):
    """The value of a draw of tuning, and the range that it is from."""

    value: float
    low: float
    high: float
    own: float | None


class Data(TypedDict):
    """Numbers of images, and the names of the classes."""

    train: int
    validation: int
    test: int
    classes: list[str]


class Start(TypedDict):
    """What a run is made of, and which arms it is compared with."""

    recipe: Recipe
    norm: str
    seed: int
    arm: str
    arms: list[str]
    contrasts: NotRequired[list[list[str]]]
    drawn: NotRequired[dict[str, Drawn]]
    command: str
    environment: dict[str, str]
    devices: NotRequired[int]
    resumed: NotRequired[list[Resumed]]
    dataset_title: str
    fingerprint: NotRequired[str]
    data: NotRequired[Data]
    seeds: NotRequired[int]
    cores: NotRequired[int]
    load_in_60_seconds: NotRequired[float]
    network: str
    deviations: list[str]
    reference: list[Reference]


class Validated(TypedDict):
    """What else is known of a run that trained to the end, and was not tested."""

    test_calibration_error: NotRequired[float]
    test_images: NotRequired[int]
    test_hits: NotRequired[str]
    gains: NotRequired[dict[str, Gains]]
    parameters: NotRequired[int | None]
    compile_seconds: NotRequired[float | None]
    step_seconds: NotRequired[float | None]
    memory_bytes: NotRequired[int | None]


class Completed(Validated):
    """The results of a run that trained to the end, and was tested."""

    test_loss: float
    test_accuracy: float


class Diverged(TypedDict):
    """Where a loss or a gradient stopped being finite."""

    step: int
    loss: str
    gradient_norm: NotRequired[str]
    reason: NotRequired[str]


ENDS: dict[str, type] = {
    "completed": Completed,
    "validated": Validated,
    "diverged": Diverged,
}

_NAMES = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a whole number",
    list: "a list",
    NoneType: "null",
    str: "a text",
}
_DEEPEST = 8
_LARGEST = 1e40  # no float32 is as large
_LONGEST = 40


def check_plain(value: object, deepest: int = _DEEPEST) -> None:
    """Checks that no number is too large to be computed with, and no nesting too deep.

    Raises:
      ValueError: If one is.
    """
    if not deepest:
        raise ValueError(f"it holds lists or objects {_DEEPEST} deep")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("it holds a whole number of more than 64 bits")
    if isinstance(value, float) and _LARGEST < abs(value) < float("inf"):
        raise ValueError(f"it holds {value}, which is too large")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            check_plain(each, deepest - 1)


def check(value: Any, kind: Any, name: str = "") -> None:
    """Checks that a value from JSON is of a type.

    Args:
      value: The value.
      kind: A type of JSON, a union of some, list[...] or dict[str, ...] of them, a
        TypedDict or a dataclass.
      name: What to call the value.

    Raises:
      ValueError: If it is not; it says what was expected.
    """
    container, arguments = get_origin(kind) or kind, get_args(kind)
    if container in (list, dict):
        _check_type(value, (container,), name)
        items = enumerate(value) if container is list else value.items()
        for key, each in items:
            check(each, arguments[-1], f"{name}.{key}")
    elif container in _NAMES or arguments:
        _check_type(value, arguments or (kind,), name)
    else:
        _check_type(value, (dict,), name)
        types = get_type_hints(kind)
        required = getattr(kind, "__required_keys__", types)
        for key, each in types.items():
            if key in value:
                check(value[key], each, f"{name}.{key}".lstrip("."))
            elif key in required:
                raise ValueError(f"{name or 'it'} has no {key}")


def _check_type(value: Any, kinds: tuple[type, ...], name: str) -> None:
    # A whole number is a number, but True is none.
    allowed = (*kinds, int) if float in kinds else kinds
    if type(value) not in allowed:
        expected = " or ".join(_NAMES[kind] for kind in kinds)
        raise ValueError(
            f"{name or 'it'} must be {expected}, but is {value!r:.{_LONGEST}}"
        )
