"""The differences that an ablation tests: pairs of arms, fixed before training."""

from collections.abc import Iterator, Sequence

from ..terminal.errors import UserError

Contrast = tuple[str, str]
"""An arm, and the arm that it is compared with."""

_QUESTIONS = (
    ("lrn", "none"),
    ("lrn", "scaled"),
    ("lrn", "batch_norm"),
    ("lrn_batch_norm", "batch_norm"),
)


def default(arms: Sequence[str]) -> list[Contrast]:
    """Returns the contrasts of an ablation that names none.

    They are LRN less nothing, less a constant factor, and less BatchNorm, and LRN with
    BatchNorm less BatchNorm, as far as there are arms for them. An arm with a variant
    is compared with the other arm in the same variant, or else without one. If there
    are arms for none of them, every other arm is compared with the first in this way.
    """
    contrasts = []
    for norm, other_norm in _QUESTIONS:
        for arm in arms:
            other = _beside(arm, other_norm, arms)
            if arm.partition("-")[0] == norm and other is not None:
                contrasts.append((arm, other))
    if contrasts or not arms:
        return contrasts
    first = arms[0].partition("-")[0]
    others = [_beside(arm, first, arms) for arm in arms[1:]]
    return [
        (arm, arms[0] if other in (None, arm) else other)
        for arm, other in zip(arms[1:], others, strict=True)
    ]


def _beside(arm: str, norm: str, arms: Sequence[str]) -> str | None:
    """Returns the arm with another norm and the same variant, or else without one."""
    _, hyphen, variant = arm.partition("-")
    others = (f"{norm}{hyphen}{variant}", norm)
    return next((each for each in others if each in arms), None)


def parse(texts: Sequence[str], arms: Sequence[str]) -> list[Contrast]:
    """Returns the contrasts that texts such as "lrn-none" name.

    Raises:
      UserError: If one does not name two of the arms, or two name the same arms.
    """
    contrasts = [_parse(text, arms) for text in texts]
    if len({frozenset(each) for each in contrasts}) < len(contrasts):
        raise UserError(
            "`contrasts` must be different from one another, but got "
            f"{' '.join(texts)}."
        )
    return contrasts


def united(
    recorded: Sequence[Contrast], now: Sequence[Contrast], arms: Sequence[str]
) -> list[Contrast]:
    """Returns the contrasts of an ablation that goes on, perhaps with further arms.

    Args:
      recorded: Its contrasts so far.
      now: Those that are asked for.
      arms: Its arms so far.

    Raises:
      UserError: If one is new between arms that may be trained already.
    """
    contrasts = list(dict.fromkeys([*recorded, *now]))
    for arm, other in contrasts[len(recorded) :]:
        if arm in arms and other in arms:
            raise UserError(
                "`contrasts` must be named before their arms are trained, but "
                f"{arm}-{other} was not among {_written(recorded)}. Leave it out: "
                "the report shows every difference to the first arm."
            )
    return contrasts


def _written(contrasts: Sequence[Contrast]) -> str:
    return ", ".join("-".join(each) for each in contrasts) or "those named"


def _parse(text: str, arms: Sequence[str]) -> Contrast:
    for arm, other in _splits(text):
        if arm in arms and other in arms and arm != other:
            return arm, other
    raise UserError(
        "`contrasts` must be ARM-OTHER, two of the arms "
        f"{', '.join(arms)}, but got {text or 'nothing'}."
    )


def _splits(text: str) -> Iterator[Contrast]:
    """Yields both sides of each hyphen: names of arms may have some, too."""
    for i, character in enumerate(text):
        if character == "-":
            yield text[:i], text[i + 1 :]
