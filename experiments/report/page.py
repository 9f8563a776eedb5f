"""The report of an ablation: one Markdown text, and the same as a web page.

The page is the Markdown rendered, with the plots and the style inside it: a single file
that can be sent to somebody. It shows the plots in the reader's color scheme; those
beside the Markdown are drawn for a light one.
"""

import base64
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from markdown_it import MarkdownIt

from ..config.arms import title
from ..metrics import Run, recipe_fields
from ..metrics import write as records
from ..terminal.errors import UserError
from ..terminal.text import markdown, plain
from . import merge, plots, tables
from .activations import Activations
from .merge import Material, outcome
from .plots import Theme
from .statistics import POWER, Arm, summarize
from .tables import Table, percent, points, summary

# Whose constants arms have that have none of their own.
_CONSTANTS = {"divisive": "lrn", "lrn_batch_norm": "lrn"}
# Whose gain is to differ from one place to another.
_LOCAL = ("lrn", "lrn_within", "whole_map", "divisive")
_DESCRIPTIONS = {
    "none": "Nothing in the norm's place.",
    "lrn": (
        "Local response normalization across channels (Krizhevsky et al. 2012, section "
        "3.3)."
    ),
    "lrn_within": (
        "Local response normalization within each channel, over a square of "
        "neighboring pixels."
    ),
    "whole_map": (
        "Each feature map divided by its own energy, "
        "x / sqrt(a + b * sum over height and width of x^2)."
    ),
    "divisive": (
        "Divisive normalization: the formula of LRN, its constants learned with the "
        "weights from the start that LRN's give."
    ),
    "batch_norm": (
        "Batch normalization (Ioffe and Szegedy 2015), with learned scale and shift; "
        "running statistics, momentum 0.9, where accuracy is measured."
    ),
    "lrn_batch_norm": "LRN, and batch normalization of what comes out of it.",
    "layer_norm": (
        "Layer normalization (Ba et al. 2016) of each image, with learned scale and "
        "shift."
    ),
    "group_norm": (
        "Group normalization (Wu and He 2018): of groups of channels in each image, "
        "with learned scale and shift."
    ),
    "rms_norm": (
        "RMS normalization (Zhang and Sennrich 2019): each position divided by the "
        "root mean square of its channels, with a learned scale and no shift."
    ),
}


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _not_shown(arms: Sequence[Arm]) -> str:
    """Returns that these arms show no difference, and what it takes to show one."""
    differences = [arm.difference for arm in arms if arm.difference is not None]
    text = f"no difference shown for {_either([title(arm.norm) for arm in arms])}"
    if any(difference.deviation is None for difference in differences):
        return f"{text}, and a single seed can show none"
    pairs = sorted({len(difference.by_seed) for difference in differences})
    seeds = (
        f"{pairs[0]} to {pairs[-1]} seeds" if len(pairs) > 1 else f"{pairs[0]} seeds"
    )
    size = tables.SIZES[0]
    one = f"one of {tables.size_in_points(size)}"
    needed = [difference.seeds_needed(size) or math.inf for difference in differences]
    if max(needed) <= pairs[0]:
        return f"{text}, where {seeds} would show {one} {POWER:.0%} of the time"
    most = None if math.inf in needed else int(max(needed))
    could = f"it would take {tables.number_of_seeds(most)} seeds to show {one}"
    if not any(difference.can_be_shown for difference in differences):
        return f"{text}; {seeds} can show none, however large, and {could}"
    return f"{text} with {seeds}, and {could}"


def verdict(arms: Sequence[Arm]) -> str:
    """Returns what the tests say, in a sentence, and no more than that."""
    baseline, others = arms[0], arms[1:]
    if baseline.accuracy is None:
        return (
            f"No run of the baseline, {title(baseline.norm)}, counts, so there is "
            "nothing to compare with."
        )
    if not others:
        return f"{title(baseline.norm)} alone: there is nothing to compare with."
    findings = []
    for arm in others:
        difference = arm.difference
        if difference is not None and difference.shown:
            direction = "higher" if difference.mean > 0 else "lower"
            p_value = tables.p_value(difference.corrected_p_value)
            findings.append(
                f"{title(arm.norm)} is {direction} by "
                f"{points(abs(difference.mean))} points "
                f"(p {p_value if p_value.startswith('<') else f'= {p_value}'})"
            )
    not_shown = [arm for arm in others if arm.difference and not arm.difference.shown]
    if not_shown:
        findings.append(_not_shown(not_shown))
    missing = [title(arm.norm) for arm in others if arm.difference is None]
    if missing:
        findings.append(f"there is no run to compare of {_either(missing)}")
    return (
        f"Under this recipe, test accuracy against {title(baseline.norm)} "
        f"({percent(baseline.accuracy.mean)}): {'; '.join(findings)}."
    )


def reservation(activations: Mapping[str, Activations]) -> str:
    """Returns which arms of LRN acted as constants, if any: then nothing local did."""
    return " ".join(
        f"{title(norm)} was a constant factor of {each.constant:.3g} here: its results "
        "say nothing of local normalization."
        for norm, each in activations.items()
        if norm.partition("-")[0] in _LOCAL and each.constant is not None
    )


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {markdown(line)}" for line in lines)


def _heading(arms: Sequence[Arm], start: Mapping[str, Any]) -> str:
    baseline, *others = (title(arm.norm) for arm in arms)
    compared = ", ".join(others) if len(others) < 5 else f"{len(others)} norms"
    what = f"{compared} against {baseline}" if others else baseline
    return "# " + markdown(f"{what} on {start['dataset_title']}")


_TABLE_EXPLAINED = (
    "Accuracy on the test images, measured once, after the last epoch: mean over the "
    "seeds \N{PLUS-MINUS SIGN} Student's 95% interval, and standard deviation. "
    "Differences, in points, are taken seed by seed between runs that start from the "
    "same weights and see the same images in the same order; the interval of their "
    "mean is Student's too, and each arm's own. **What is shown is decided by the "
    "test**: p is the share of all ways to give each seed's difference a random sign "
    "that put the mean at least as far from 0, corrected for the number of arms "
    "(Holm); a difference is shown where it is at most 0.05. Seeds are the only "
    "randomness that is counted: the test images are the same in all runs, and with "
    "others the difference would be another. So it might be with another learning "
    "rate: all arms share one recipe, which is tuned for none of them."
)
_TESTS_EXPLAINED = (
    "*Lowest possible* is the corrected p that differences of one sign in every seed "
    "would have: where it is above 0.05, these seeds can show nothing. The last "
    "columns say how many seeds would show a true difference of that size 80% of the "
    "time, at the level that Holm's correction asks of the smallest p. They take the "
    "differences to be normal with the standard deviation seen here, which few seeds "
    "tell roughly: a guide, not a promise. The observed difference is itself an "
    "estimate; planning with it alone is optimistic."
)
_GAINS_EXPLAINED = (
    "One batch of images through a trained network of each arm. The maps are the first "
    "image's, of channels from the strongest to the weakest; a row has one scale, of "
    "square roots. The energy of a channel in an image is the mean of its squares over "
    "height and width, and its gain is the ratio of its root mean squares after and "
    "before the norm. Suppressed are channels with a gain below half of the median "
    "(left of the line): multiplying everything by one number, however small, "
    "suppresses nothing. Channels without any energy before the norm are silent and "
    "have no gain."
)


def _image(alternative: str, name: str) -> str:
    return f"![{alternative}]({name})"


def _seed_sections(material: Material, arms: Sequence[Arm]) -> list[str]:
    accuracies = _image("Test accuracy of every run, by arm", "test-accuracy.svg")
    every_run = (
        "The test accuracy of every run, in %:",
        tables.every_run(material.runs, arms).markdown(),
    )
    if not any(arm.difference for arm in arms):
        return ["## Seed by seed", accuracies, *every_run]
    differences = _image("Difference to the baseline, by arm", "differences.svg")
    return [
        "## Seed by seed",
        f"{differences}\n{accuracies}",
        "Marks are seeds, the first on top; bars are the mean and its 95% interval.",
        *every_run,
        "## The test, and the seeds it would take",
        tables.tests(arms).markdown(),
        _TESTS_EXPLAINED,
    ]


def _curve_sections() -> list[str]:
    loss = _image("Training loss by epoch", "training-loss.svg")
    accuracy = _image("Validation accuracy by epoch", "validation-accuracy.svg")
    return [
        "## Learning curves",
        f"{loss}\n{accuracy}",
        "Lines are means over the seeds, bands reach from the lowest to the highest "
        "seed. The training loss is that of the steps themselves, with dropout and "
        "while the weights change. Of many epochs, the first tenth may lie below the "
        "axis of the accuracy.",
    ]


def _activation_sections(material: Material) -> list[str]:
    images = [
        _image(f"Activations around {markdown(title(norm))}", f"activations-{norm}.svg")
        for norm in material.activations
    ]
    return [
        "## What the norms do to activations",
        tables.gains(material.activations).markdown(),
        "\n".join(images),
        _GAINS_EXPLAINED,
    ]


def _cost_sections(arms: Sequence[Arm], environments: Sequence[str]) -> list[str]:
    text = (
        "Medians over all runs; the time per epoch is that of its training steps alone."
    )
    if len(environments) > 1:
        text += (
            " The runs come from different environments, see below: compare times with "
            "care."
        )
    return ["## Cost", tables.costs(arms).markdown(), text]


def _arm_description(run: Run) -> str:
    norm = run.norm.partition("-")[0]
    constants = run.start["recipe"].get(_CONSTANTS.get(norm, norm))
    text = f"{title(run.norm)}: {_DESCRIPTIONS.get(norm, '')}"
    if isinstance(constants, Mapping):
        text += f" Here {_fields(constants)}."
        if norm == "lrn":
            text += _lrn_effect(**constants)
    return text


def _lrn_effect(
    bias: float = 0, alpha: float = 0, beta: float = 0, **others: Any
) -> str:
    """Returns what constants of LRN amount to, where they are all positive."""
    del others
    if not (bias > 0 and alpha > 0 and beta > 0):
        return ""
    with np.errstate(all="ignore"):
        # (bias + alpha * energy)^-beta = 0.9 * bias^-beta
        energy = bias / np.float64(alpha) * (0.9 ** np.float64(-1 / beta) - 1)
        gain = np.float64(bias) ** -beta
    return (
        f" It multiplies by {gain:.3g} where a window holds little energy, and by a "
        f"tenth less where its squares sum to {energy:,.4g}."
    )


def _value(value: Any, joint: str = " and ") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return joint.join(_value(each, " ") for each in value)
    return str(value)


def _fields(recipe: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(value)}"
        for name, value in recipe_fields(recipe)
        if value is not None and value != []
    )


def _comparison_sections(runs: Sequence[Run]) -> list[str]:
    first_of_arm = {run.norm: run for run in reversed(runs)}
    start = runs[0].start
    common = {
        name: value
        for name, value in recipe_fields(start["recipe"])
        if name.split(".")[0] not in _DESCRIPTIONS and name.split(".")[-1] != "dataset"
    }
    sections = [
        "## What was compared",
        f"{markdown(start['network'])} The arms differ in the norm and in nothing "
        "else:",
        _list([_arm_description(run) for run in reversed(first_of_arm.values())]),
        f"One recipe for all arms: {markdown(_fields(common))}.",
    ]
    if start["deviations"]:
        sections += [
            "Where it departs from the recipe that it follows:",
            _list(start["deviations"]),
        ]
    return sections


def _counted(texts: Sequence[str]) -> list[str]:
    """Returns each different text, with the number of runs where there are several."""
    counts = Counter(texts)
    if len(counts) == 1:
        return list(counts)
    return [f"{text} ({number} runs)" for text, number in counts.items()]


def _environment(run: Run) -> str:
    def told(environment: Mapping[str, str]) -> str:
        return ", ".join(f"{name} {value}" for name, value in environment.items())

    later = [
        f"; after epoch {part['after_epoch']}: {told(part['environment'])}, devices "
        f"{part['devices']}"
        for part in run.start.get("resumed", [])
    ]
    return told(run.start["environment"]) + "".join(later)


def _reservations(material: Material) -> list[str]:
    failed = [
        f"{title(run.norm)}, seed {run.seed}: {outcome(run)}"
        for run in material.runs
        if not run.completed
    ]
    sections = []
    if failed:
        sections += ["## Runs that did not complete", _list(failed)]
    if material.duplicates:
        sections += ["## Runs that are there twice", _list(material.duplicates)]
    changed = _changed(material.runs)
    if changed:
        sections += ["## Metrics that were changed after a run", _list(changed)]
    return sections


def _changed(runs: Sequence[Run]) -> list[str]:
    """Returns where metrics are not as they were written, by hand or by damage."""
    return [
        f"{title(run.norm)}, seed {run.seed}: line {', '.join(map(str, run.changed))}"
        for run in runs
        if run.changed
    ]


def _markdown(material: Material, arms: Sequence[Arm]) -> str:
    runs, start = material.runs, material.runs[0].start
    completed = any(run.completed for run in runs)
    environments = _counted([_environment(run) for run in runs])
    commands = dict.fromkeys(run.start["command"] for run in runs)
    sections = [
        _heading(arms, start),
        f"**{markdown(f'{verdict(arms)} {reservation(material.activations)}')}**",
        summary(runs, arms).markdown(),
        _TABLE_EXPLAINED,
        *_reservations(material),
    ]
    if start["reference"]:
        reference = tables.published(start["reference"], arms)
        sections += ["## Beside published numbers", reference.markdown()]
    if completed:
        sections += _seed_sections(material, arms)
        sections += _curve_sections()
    if material.activations:
        sections += _activation_sections(material)
    if completed:
        sections += _cost_sections(arms, environments)
    sections += [
        *_comparison_sections(runs),
        "## How it was made",
        # Indented, a line is code whatever it holds.
        "\n".join(f"    {plain(command)}" for command in commands),
        markdown(environments[0]) if len(environments) == 1 else _list(environments),
    ]
    return "\n\n".join(sections) + "\n"


def _plots(
    material: Material, arms: Sequence[Arm]
) -> dict[str, Callable[[Theme], str]]:
    """Returns how to draw each plot of the report, by the name of its file."""
    runs = material.runs
    looks = plots.looks([arm.norm for arm in arms])
    drawn: dict[str, Callable[[Theme], str]] = {
        f"activations-{norm}.svg": partial(plots.activations, norm, looks[norm], each)
        for norm, each in material.activations.items()
    }
    if any(arm.difference for arm in arms):
        drawn["differences.svg"] = partial(plots.differences, arms)
    if any(run.completed for run in runs):
        drawn["test-accuracy.svg"] = partial(plots.accuracies, runs, arms)
        drawn["training-loss.svg"] = partial(plots.training_loss, runs, arms)
        drawn["validation-accuracy.svg"] = partial(
            plots.validation_accuracy, runs, arms
        )
    return drawn


def _source(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _page(text: str, images: Mapping[str, tuple[str, str]]) -> str:
    """Returns the Markdown as a page that needs no other file.

    Args:
      text: The Markdown, with the names of images.
      images: By name, the image on a light and on a dark ground.
    """
    body = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    # A table that is wider than a phone scrolls within this, by keyboard too.
    body = body.replace("<table>", '<div class="table" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    body = re.sub(r"<td>(?=[^<]{40})", '<td class="long">', body)
    for name, (light, dark) in images.items():
        body = re.sub(
            f'<img src="{re.escape(name)}" alt="(.*?)" />',
            lambda match, light=light, dark=dark: (
                '<picture><source media="(prefers-color-scheme: dark)" '
                f'srcset="{_source(dark)}"><img src="{_source(light)}" '
                f'alt="{match[1]}"></picture>'
            ),
            body,
        )
    heading = re.search("<h1>(.*?)</h1>", body)
    assert heading  # every report begins with one
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading[1]}</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def write(directories: Path | Sequence[Path], output: Path | None = None) -> Table:
    """Writes report.md, report.html and the plots from the metrics in directories.

    Several directories are one ablation whose runs were made apart, by seed or by arm,
    perhaps on different machines. The baseline is the first arm of the first one.

    Args:
      directories: Where the metrics are, and beside them the activations, if any.
      output: Where the report goes; may be left out for a single directory, which is
        then the place.

    Returns:
      The summary table.

    Raises:
      DataError: If there are no runs, or a file is not one of theirs.
      UserError: If there is no directory, or no `output` for the report on several, or
        the runs have different recipes.
    """
    directories = [directories] if isinstance(directories, Path) else list(directories)
    if not directories:
        raise UserError("`directories` must name at least one, but there is none.")
    if output is None:
        if len(directories) > 1:
            raise UserError(
                "`output` must name a directory for the report on several, but was not "
                f"given for {', '.join(map(str, directories))}."
            )
        output = directories[0]
    material = merge.read(directories)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"`output` must be a directory, but {output} cannot be made: "
            f"{error.strerror}."
        ) from error
    arms = summarize(material.runs, material.arms)
    text = _markdown(material, arms)
    images = {
        name: (draw(plots.LIGHT), draw(plots.DARK))
        for name, draw in _plots(material, arms).items()
    }
    for name, (light, _) in images.items():
        records.write_whole(output / name, light)
    records.write_whole(output / "report.md", text)
    records.write_whole(output / "report.html", _page(text, images))
    changed = _changed(material.runs)
    note = f"Metrics were changed after a run: {'; '.join(changed)}." if changed else ""
    return replace(summary(material.runs, arms), note=note)
