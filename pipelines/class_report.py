"""The report of a classification run: one HTML page that opens offline, tables, a confusion matrix, the mistakes."""

import html
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .class_data import ClassSet
from .class_metrics import confusions
from .classifiers import METHODS, Answer
from .files import write_text
from .page import figure, page, picture, table
from .plots import contact_sheet, new_axes, to_svg

METHOD_HEAD = ("method", "augmented", "accuracy (95 %)", "precision", "recall", "F1", "accuracy by fold")
SIGNER_HEAD = ("signer", "signatures", "hits", "hit rate", "precision", "recall", "F1", "taken for")
NOTICE = (
    "A closed set: whoever signs is named after one of these people, also if it is none of them. This is a training "
    "task with its report, not a way to find out who signed, and no evidence"
)


def method_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the table of methods, each without and with augmentation."""
    rows = []
    for row in metrics["methods"]:
        accuracy = row["accuracy"]
        rows.append(
            (
                METHODS[row["method"]],
                "yes" if row["augmented"] else "no",
                f"{_percent(accuracy['value'])} ({100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f})",
                *(_percent(row[name]) for name in ("precision", "recall", "f1")),
                ", ".join(f"{100 * value:.1f}" for value in row["accuracy_by_fold"]),
            )
        )
    return rows


def signer_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return one line a person, the worst first."""
    return [
        (
            row["signer"],
            str(row["signatures"]),
            str(row["hits"]),
            *(_percent(row[name]) for name in ("hit_rate", "precision", "recall", "f1")),
            ", ".join(row["taken_for"]),
        )
        for row in metrics["by_signer"]
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def basis(metrics: dict[str, Any]) -> str:
    """Return on what the figures rest, in one sentence."""
    low, high = metrics["signatures_of_each"]
    each = f"{low}" if low == high else f"{low} to {high}"
    return (
        f"{metrics['signers']} people with {each} signatures each, {metrics['folds']} folds: each signature is named "
        f"once, by a classifier that has not seen it; chance is {100 * metrics['chance']:.1f} %"
    )


def plot_confusion(axes: Axes, names: NDArray[np.str_], counts: NDArray[np.intp]) -> Axes:
    """Draw who was named for whom: row who signed, column who was named, the share of the row as darkness.

    Args:
        axes: Where.
        names: Of the people, shape ``(n,)``.
        counts: Shape ``(n, n)``.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.grid(False)
    if len(names) <= 30:
        image = axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest")
        axes.set_xticks(range(len(names)), names.tolist(), rotation=90, fontsize=7)
        axes.set_yticks(range(len(names)), names.tolist(), fontsize=7)
        axes.figure.colorbar(image, ax=axes, label="share of the row")
    else:  # one cell would be a pixel or two, so that a single mistake could not be seen
        right, wrong = np.nonzero(counts * np.eye(len(names), dtype=int)), np.nonzero(counts * (1 - np.eye(len(names))))
        axes.scatter(right[1], right[0], s=2, color="#0072B2", label="right", rasterized=False)
        axes.scatter(
            wrong[1], wrong[0], s=14 * counts[wrong], color="#D55E00", label="wrong, by number of signatures", alpha=0.8
        )
        axes.set(xlim=(-1, len(names)), ylim=(len(names), -1), aspect="equal")
        axes.legend(fontsize=8, loc="upper right")
    axes.set(xlabel="who was named (in order of identifiers)", ylabel="who signed", title="Confusion matrix")
    return axes


def plot_methods(axes: Axes, metrics: dict[str, Any]) -> Axes:
    """Draw the accuracy of each method without and with augmentation, with intervals over signers."""
    for shift, augmented, colour in ((-0.17, False, "#0072B2"), (0.17, True, "#D55E00")):
        rows = [row for row in metrics["methods"] if row["augmented"] == augmented]
        values = np.array([[100 * row["accuracy"][k] for k in ("value", "low", "high")] for row in rows])
        label = "with augmentation" if augmented else "without"
        places = np.arange(len(rows)) + shift
        errors = np.abs(values[:, 1:].T - values[:, 0])
        axes.bar(places, values[:, 0], 0.32, yerr=errors, capsize=3, color=colour, label=label)
    axes.set_xticks(range(len(rows)), [row["method"] for row in rows])
    axes.set(ylabel="accuracy (%)", ylim=(0, 100), title="Accuracy, 95 % intervals over signers")
    axes.legend(fontsize=8, loc="lower left")
    return axes


def _mistakes(people: ClassSet, folds: NDArray[np.intp], answer: Answer, most: int = 12) -> str:
    """Show wrongly named signatures beside what the person's and the named person's look like."""
    wrong = np.flatnonzero(answer.predicted != people.signers)
    items = []
    for place in wrong[np.argsort(-answer.confidence[wrong], kind="stable")][:most]:
        row = [people.canvases[place]]
        for name in (people.signers[place], answer.predicted[place]):
            row.append(people.canvases[np.flatnonzero((people.signers == name) & (folds != folds[place]))[0]])
        words = (
            f"{people.names[place]}: named {answer.predicted[place]} ({answer.confidence[place]:.2f}). Left what was "
            f"judged, then a signature of {people.signers[place]}, then one of {answer.predicted[place]}."
        )
        items.append(figure(picture(contact_sheet([row]), "judged, own, named"), words))
    return f"<div class=triples>{''.join(items)}</div>" if items else "<p>None.</p>"


def write_class_report(
    folder: Path, metrics: dict[str, Any], people: ClassSet, folds: NDArray[np.intp], answer: Answer
) -> Path:
    """Write `report.html` into a folder and return its path.

    Args:
        folder: Where it goes.
        metrics: What `classify` measured.
        people: The closed set.
        folds: Which fold judged each signature.
        answer: What the headline method says of each.
    """
    names, counts = confusions(people.signers, answer.predicted)
    headline = metrics["headline"]
    with_words = "with" if headline["augmented"] else "without"
    real = "real signatures" if metrics["data"]["contains_real_signatures"] else "no real signature"
    network = metrics["network"]
    shown = list(dict.fromkeys(people.signers.tolist()))[:8]
    rows = [[people.canvases[i] for i in np.flatnonzero(people.signers == name)[:4]] for name in shown]
    lines = [
        "<style>.triples img { border: 1px solid #ccc }</style>",
        f"<p class=notice>{html.escape(NOTICE)}. Source: {html.escape(metrics['data']['source'])}; {real}. The network "
        "that embeds was trained on synthetic signers.</p>",
        f"<h2>Methods</h2><p>{html.escape(basis(metrics))}.</p>",
        table(METHOD_HEAD, method_rows(metrics)),
        "<p>Precision, recall and F1 are macro: the mean over people. In brackets: 95 % intervals from a bootstrap "
        "over signers, for people like these; another training of the network is not in them.</p>",
        figure(to_svg(plot_methods(new_axes(), metrics)), "Each method without and with augmentation."),
        f"<h2>Who was taken for whom</h2><p>{html.escape(METHODS[headline['method']])}, {with_words} augmentation: "
        "chosen on development signers, not for being the best here.</p>",
        figure(to_svg(plot_confusion(new_axes(6.4, 6.0), names, counts)), "All folds together; confusion.csv has it."),
        "<h2>What was named wrongly</h2>",
        _mistakes(people, folds, answer),
        "<h2>By person</h2>",
        table(SIGNER_HEAD, signer_rows(metrics)),
        "<h2>What was compared</h2>",
        figure(
            picture(contact_sheet(rows), "signatures of one person per row"),
            "Signatures of one person per row, as seen.",
        ),
    ]
    if metrics["notes"]:
        lines += ["<h2>Left out</h2><ul>", *(f"<li>{html.escape(line)}</li>" for line in metrics["notes"]), "</ul>"]
    lines.append(
        f"<h2>How it was made</h2><p>Embedding: {html.escape(network['model'])} ({html.escape(network['run'])}), "
        f"trained on {network['images']:,} images of other signers of world {network['world']}, none of these people. "
        "Folds: scikit-learn's StratifiedGroupKFold, whole sessions together, stratified by signer. Augmentation: "
        f"small turns, shears, stretches and bends. {metrics['cost']['seconds']:.0f} s.</p>"
    )
    body = "\n".join(lines)
    return write_text(folder / "report.html", page("Paraph classification", "Who of a closed set signed", body))
