"""How the numbers of a report came about: protocol, split, seeds, versions, provenance, and tables of other modules."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .config import RunConfig
from .page import table
from .report_labels import is_share, label
from .report_tables import percent
from .splits import split_world


def tree_html(name: str, value: Any, level: int = 2) -> str:
    """Return nested records as headings and tables: what another module measured, whatever its form.

    Args:
        name: Becomes the heading.
        value: Dictionaries and lists of plain values; a record with "value", "low" and "high" is one cell.
        level: Of the heading.
    """
    head = f"<h{min(level, 5)}>{html.escape(label(name))}</h{min(level, 5)}>"
    if isinstance(value, dict) and not _is_rate(value):
        plain = [(label(key), _cell(key, v, of=name)) for key, v in value.items() if not _is_nested(v)]
        start = head + (table(("", "value"), plain) if plain else "")
        nested = {key: v for key, v in value.items() if _is_nested(v)}
        if _is_one_table(list(nested.values())):
            columns = list(next(iter(nested.values())))
            rows = [[label(key), *(_cell(c, v[c], of=key) for c in columns)] for key, v in nested.items()]
            return start + table(("", *map(label, columns)), rows)
        return start + "".join(tree_html(key, v, level + 1) for key, v in nested.items())
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        columns = list(dict.fromkeys(key for row in value for key in row if not _is_nested(row[key])))
        rows = [[_cell(key, row.get(key)) for key in columns] for row in value]
        return head + table([label(column) for column in columns], rows)
    return head + f"<p>{html.escape(_cell(name, value))}</p>"


def calibration_records(by_kind: dict[str, Any]) -> dict[str, Any]:
    """Return what every way of calibrating is worth, one record a way, without points of curves and weights.

    Args:
        by_kind: What `calibrators.calibration_of` returned.
    """
    found = {}
    for kind, ways in by_kind.items():
        for name, way in ways.items():
            if isinstance(way, dict):
                kept = {key: way.get(key) for key in ("cllr", "ece", "calibration_loss")}
                misleading = {f"misleading_{key}": value for key, value in way.get("misleading", {}).items()}
                found[f"{kind} forgeries, {name}"] = kept | misleading
    return found


def _is_one_table(records: list[Any]) -> bool:
    """Whether records have the same few fields, none of them nested, so that each can be a row."""
    if len(records) < 2 or not all(isinstance(record, dict) for record in records):
        return False
    same = all(set(record) == set(records[0]) for record in records)
    return same and 0 < len(records[0]) <= 8 and not any(_is_nested(v) for record in records for v in record.values())


def _is_rate(value: Any) -> bool:
    return (
        isinstance(value, dict) and "value" in value and set(value) <= {"value", "low", "high", "n_signers", "n_draws"}
    )


def _is_nested(value: Any) -> bool:
    if isinstance(value, dict):
        return not _is_rate(value)
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict | list)


def _cell(name: str, value: Any, of: str = "") -> str:
    """Return a value as text, a share in per cent; ``of`` is the key of the record that it stands in."""
    share = is_share(name) or is_share(of)
    if _is_rate(value):
        if share:
            return percent(value)
        ends = "" if value.get("low") is None else f" ({value['low']:.3f} to {value['high']:.3f})"
        return "-" if value["value"] is None else f"{value['value']:.3f}{ends}"
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{100 * value:.1f} %" if share and 0 <= value <= 1 else f"{value:.4g}"
    if isinstance(value, list):
        words = [_cell(name, item, of) for item in value[:12]]
        return ", ".join(words) + (" ..." if len(value) > 12 else "")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def method_rows(
    metrics: dict[str, Any], folder: Path, config: RunConfig | None, threshold: float, band: float
) -> list[tuple[str, str]]:
    """Return what somebody needs who wants the same numbers again, one line a fact."""
    data, calibrator = metrics["data"], metrics["development"]["calibrator"]
    rows = [
        ("protocol", metrics["protocol"]),
        ("threshold", f"{threshold:.6f}, frozen on {metrics['development']['signers']} development signers"),
        (
            "calibration",
            f"ln LR = {calibrator['slope']:.4f} x score {calibrator['intercept']:+.4f}, logistic regression on "
            f"{calibrator['n_genuine']:,} genuine and {calibrator['n_forgery']:,} {calibrator['forgery_kind']} trials, "
            "and no ratio beyond what so many trials can show",
        ),
        ("inconclusive", f"within {band:g} of log10 LR of the threshold"),
        ("data", "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in data.items())),
    ]
    if config is not None:
        rows += _config_rows(config)
    rows += _environment_rows(folder)
    if left_out := metrics.get("left_out"):
        rows.append(("signers left out", ", ".join(left_out)))
    if cost := metrics.get("cost"):
        stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in cost["seconds"].items())
        memory = f"{cost['peak_memory_mb'] or '?'} MB of memory, {cost['disk_mb']} MB on disk"
        rows.append(("cost", f"{cost['training_images']:,} training images; {stages}; {memory}"))
    return rows


def _config_rows(config: RunConfig) -> list[tuple[str, str]]:
    split, train, e = split_world(config.world), config.train, config.evaluation
    named = zip(("training", "development", "test"), split, strict=True)
    ranges = "; ".join(f"{name} {part[0]:,} to {part[-1]:,} ({len(part):,})" for name, part in named)
    options = "; ".join(json.dumps(o) for o in (train.model_options, train.loss_options) if o)
    return [
        ("signers of the run's world", ranges),
        ("seeds", f"world {config.world.seed}, network {train.seed}, bootstrap and impostors {config.world.seed}"),
        (
            "drawn per signer",
            f"{e.genuine} genuine, {e.forgeries} skilled forgeries, and {e.per_skill} at each skill of "
            f"{', '.join(map(str, e.skills))}; {e.n_random} impostors; {e.bootstrap_draws:,} bootstrap draws",
        ),
        (
            "network",
            f"{train.model} on {train.height} x {train.width} px, loss {train.loss}, {train.course} "
            f"of {config.batch.images} images {options}",
        ),
    ]


def _environment_rows(folder: Path) -> list[tuple[str, str]]:
    """Return the recorded versions, of this folder or of the run that an evaluation lies in."""
    for place in (folder, *folder.parents[:2]):
        if (place / "environment.json").is_file() and (place / "config.json").is_file():
            found = json.loads((place / "environment.json").read_text(encoding="utf-8"))
            packages = ", ".join(f"{name} {version}" for name, version in found.get("packages", {}).items())
            machine = ", ".join(f"{key} {found[key]}" for key in ("system", "processor", "cores") if key in found)
            rows = [("versions", f"Python {found.get('python')}, {packages}, engine {found.get('synth_engine')}")]
            return [*rows, ("machine", machine)]
    return []


def listing(title: str, names: Sequence[str]) -> str:
    """Return names as a list under a heading; nothing if there are none."""
    items = "".join(f"<li>{html.escape(name)}</li>" for name in names)
    return f"<h2>{html.escape(title)}</h2><ul>{items}</ul>" if names else ""
