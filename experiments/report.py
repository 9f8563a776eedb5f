"""The report of an ablation: one Markdown text, and the same as a web page.

The page is the Markdown rendered, with the plots and the style inside it: a single file
that can be sent to somebody.
"""

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from . import plots, records
from .config import DatasetName, NormName
from .norms import TITLES
from .records import Run
from .statistics import Arm, Interval, summarize

_NOTHING = "\N{EN DASH}"
_DATASETS: dict[DatasetName, str] = {
    "digits": "scikit-learn's digits",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
}


def _describe_lrn(recipe: dict[str, Any]) -> str:
    depth_radius, bias, alpha, beta = recipe["lrn"].values()
    text = (
        "Local response normalization across channels (Krizhevsky et al. 2012, section "
        f"3.3), depth_radius {depth_radius}, bias {bias}, alpha {alpha}, beta {beta}."
    )
    if not (bias > 0 and alpha > 0 and beta > 0):
        return text
    # (bias + alpha * energy)^-beta = 0.9 * bias^-beta
    energy = bias / alpha * (0.9 ** (-1 / beta) - 1)
    return (
        f"{text} It multiplies by {bias**-beta:.3g} where a window holds little "
        f"energy, and by a tenth less where its squares sum to {energy:,.4g}."
    )


def _describe_whole_map(recipe: dict[str, Any]) -> str:
    a, b = recipe["whole_map"].values()
    return (
        "Each feature map divided by its own energy, "
        f"x / sqrt({a} + {b} * sum over height and width of x^2)."
    )


_DESCRIPTIONS: dict[NormName, Callable[[dict[str, Any]], str]] = {
    "none": lambda recipe: "Nothing after the activation.",
    "lrn": _describe_lrn,
    "batch_norm": lambda recipe: (
        "Batch normalization (Ioffe and Szegedy 2015), with learned scale and shift; "
        "running statistics, momentum 0.9, where accuracy is measured."
    ),
    "whole_map": _describe_whole_map,
}


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def _interval(interval: Interval | None, *, sign: str = "") -> str:
    """Returns a mean and what to add and subtract for its interval, in percent."""
    if interval is None:
        return _NOTHING
    mean = f"{100 * interval.mean:{sign}.2f}".replace("-", "\N{MINUS SIGN}")
    if interval.half_width is None:
        return mean
    return f"{mean} \N{PLUS-MINUS SIGN} {100 * interval.half_width:.2f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


@dataclass(frozen=True)
class Table:
    """The summary as text: what the terminal, the Markdown and the page show."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Returns the table in Markdown."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summary(runs: Sequence[Run], arms: Sequence[Arm]) -> Table:
    """Returns accuracy, difference, time and size of each arm."""
    return Table(
        columns=(
            "norm",
            "test accuracy (%)",
            f"difference to {TITLES[arms[0].norm]}",
            "time per epoch",
            "parameters",
            "runs",
        ),
        rows=tuple(
            (
                TITLES[arm.norm],
                _interval(arm.accuracy),
                _interval(arm.difference, sign="+"),
                _duration(arm.epoch_seconds),
                f"{arm.parameters:,}" if arm.parameters else _NOTHING,
                f"{arm.num_runs} of {sum(run.norm == arm.norm for run in runs)}",
            )
            for arm in arms
        ),
    )


def _every_run(runs: Sequence[Run], arms: Sequence[Arm]) -> Table:
    def cell(norm: NormName, seed: int) -> str:
        for run in runs:
            if (run.norm, run.seed) == (norm, seed):
                completed = run.completed
                return _percent(run.end["test_accuracy"]) if completed else run.status
        return "not started"

    return Table(
        columns=("seed", *(TITLES[arm.norm] for arm in arms)),
        rows=tuple(
            (str(seed), *(cell(arm.norm, seed) for arm in arms))
            for seed in sorted({run.seed for run in runs})
        ),
    )


def verdict(arms: Sequence[Arm]) -> str:
    """Returns what the differences to the baseline say, and no more than that."""
    baseline, others = arms[0], arms[1:]
    if baseline.accuracy is None:
        return "No run of the baseline completed, so there is nothing to compare with."
    if not others:
        return f"{TITLES[baseline.norm]} alone: there is nothing to compare with."
    findings, undecided = [], []
    for arm in others:
        title, difference = TITLES[arm.norm], arm.difference
        if difference is None:
            findings.append(f"{title} has no run to compare")
        elif difference.half_width is None:
            findings.append(f"{title} has a single seed, which can show no difference")
        elif abs(difference.mean) <= difference.half_width:
            undecided.append(title)
        else:
            direction = "higher" if difference.mean > 0 else "lower"
            size = f"{100 * abs(difference.mean):.2f}"
            findings.append(f"{title} is {direction} by {size} points")
    if undecided:
        findings.append(f"no difference is shown for {' or '.join(undecided)}")
    return (
        f"Test accuracy against {TITLES[baseline.norm]} "
        f"({_percent(baseline.accuracy.mean)}): {'; '.join(findings)}."
    )


def _not_completed(runs: Sequence[Run]) -> list[str]:
    def reason(run: Run) -> str:
        if run.status == "diverged":
            return f"diverged: the loss was {run.end['loss']} at step {run.end['step']}"
        return f"interrupted after {len(run.epochs)} epochs"

    return [
        f"- {TITLES[run.norm]}, seed {run.seed}: {reason(run)}"
        for run in runs
        if not run.completed
    ]


def _title(arms: Sequence[Arm]) -> str:
    baseline, *others = (TITLES[arm.norm] for arm in arms)
    if not others:
        return baseline
    return f"{', '.join(others)} against {baseline}"


def _markdown(runs: Sequence[Run], arms: Sequence[Arm]) -> str:
    start = runs[0].start
    recipe, environment = start["recipe"], start["environment"]
    versions = ", ".join(f"{name} {value}" for name, value in environment.items())
    problems = _not_completed(runs)
    sections = [
        f"# {_title(arms)} on {_DATASETS[recipe['dataset']]}",
        f"**{verdict(arms)}**",
        summary(runs, arms).markdown(),
        "Accuracy on the test images, measured once, after the last epoch: mean over "
        "the seeds \N{PLUS-MINUS SIGN} 95% interval (Student's). Differences, in "
        "points, are taken seed by seed between runs that start from the same weights "
        "and see the same images in the same order; their intervals are widened so "
        "that all arms' hold together with 95% confidence (Bonferroni), and one that "
        "holds 0 shows no difference. Times are medians over the epochs of all runs, "
        "of the training steps alone.",
    ]
    if problems:
        sections += ["## Runs that did not complete", "\n".join(problems)]
    if any(run.completed for run in runs):
        sections += [
            "## Learning curves",
            "![Training loss and validation accuracy by epoch](learning-curves.svg)",
            "Lines are means over the seeds, bands reach from the lowest to the "
            "highest seed. The training loss is that of the steps themselves, with "
            "dropout and while the weights change.",
            "## Every run",
            "![Test accuracy of every run](test-accuracy.svg)",
            _every_run(runs, arms).markdown(),
        ]
    descriptions = [
        f"- {TITLES[arm.norm]}: {_DESCRIPTIONS[arm.norm](recipe)}" for arm in arms
    ]
    sections += [
        "## What was compared",
        "The network: convolution of 32 filters 3x3, relu, **norm**, max pooling 2x2, "
        "dense 64, relu, dropout, dense 10; Adam on the cross entropy. The arms differ "
        "in the norm and in nothing else:",
        "\n".join(descriptions),
        f"Epochs {recipe['epochs']}, batch size {recipe['batch_size']}, learning rate "
        f"{recipe['learning_rate']}, dropout {recipe['dropout_rate']}. One recipe for "
        "all arms: none was tuned for any of them.",
        "## How it was made",
        f"```\n{start['command']}\n```",
        versions,
    ]
    return "\n\n".join(sections) + "\n"


def _page(markdown: str, images: dict[str, str]) -> str:
    """Returns the Markdown as a page that needs no other file."""
    body = str(
        MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    )
    body = body.replace("<table>", '<div class="table"><table>')
    body = body.replace("</table>", "</table></div>")
    for name, svg in images.items():
        encoded = base64.b64encode(svg.encode()).decode()
        body = body.replace(
            f'src="{name}"', f'src="data:image/svg+xml;base64,{encoded}"'
        )
    title = re.search("<h1>(.*?)</h1>", body)
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title.group(1) if title else html.escape('Ablation')}</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def write(directory: Path) -> Table:
    """Writes report.md, report.html and the plots from the metrics in a directory.

    Returns:
      The summary table.

    Raises:
      DataError: If there are no runs, or a file is not one of theirs.
    """
    runs = records.read(directory)
    arms = summarize(runs)
    images = {}
    if any(run.completed for run in runs):
        images = {
            "learning-curves.svg": plots.learning_curves(runs, arms),
            "test-accuracy.svg": plots.accuracies(runs, arms),
        }
    markdown = _markdown(runs, arms)
    for name, svg in images.items():
        records.write_whole(directory / name, svg)
    records.write_whole(directory / "report.md", markdown)
    records.write_whole(directory / "report.html", _page(markdown, images))
    return summary(runs, arms)
