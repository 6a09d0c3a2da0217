"""The tables of a report, from what `metrics.json` holds; the command line prints the same."""

from typing import Any

from .curve_points import Points


def percent(rate: dict[str, Any] | None) -> str:
    """Return a rate with its interval, such as "12.3 % (10.1 to 14.6)"; "-" if there is none."""
    if rate is None or rate["value"] is None:
        return "-"
    text = f"{100 * rate['value']:.1f} %"
    return text if rate.get("low") is None else f"{text} ({100 * rate['low']:.1f} to {100 * rate['high']:.1f})"


def share(rate: dict[str, Any] | None) -> str:
    """Return a rate with its interval in per cent, such as "12.3 (10.1 to 14.6)"; "-" if there is none."""
    return _hundredfold(rate, "{:.1f}")


def gap(difference: dict[str, Any] | None) -> str:
    """Return a difference of rates in percentage points, such as "+1.2 (-0.3 to +2.7)"; "-" if there is none."""
    return _hundredfold(difference, "{:+.1f}")


def _hundredfold(rate: dict[str, Any] | None, form: str) -> str:
    if rate is None or rate["value"] is None:
        return "-"
    value, low, high = ("" if rate[key] is None else form.format(100 * rate[key]) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})" if low else value


def summary_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the summary table: method, random EER, skilled EER, each with its interval."""
    named = [("this verifier", metrics["verifier"]), *metrics["baselines"].items()]
    return [(name, percent(found.get("eer_random")), percent(found.get("eer_skilled"))) for name, found in named]


def frozen_rows(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rates at the frozen development threshold."""
    found = metrics["verifier"]
    names = (
        ("FRR", "frr_frozen"),
        ("FAR, random", "far_random_frozen"),
        ("FAR, skilled", "far_skilled_frozen"),
        ("FAR, simple", "far_simple_frozen"),
        ("FRR, at the threshold for FAR 1 % (skilled)", "frr_at_dev_far_skilled_1pct_frozen"),
        ("FAR, skilled, at that threshold", "far_skilled_at_dev_far_skilled_1pct_frozen"),
    )
    rows = [(label, percent(found.get(name))) for label, name in names if name in found]
    if "cllr_skilled" in found:
        cllr = found["cllr_skilled"]
        rows.append(
            (
                "Cllr, skilled (1 = no information)",
                f"{cllr['value']:.3f}" if cllr["value"] is not None else "-",
            )
        )
    return rows


def skill_rows(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return one line per forger skill: EER and FAR at the frozen threshold."""
    return [
        (f"{row['skill']:.2f}", percent(row["eer_skilled"]), percent(row["far_skilled_frozen"]))
        for row in metrics.get("skills", [])
    ]


REFERENCES = (
    "references",
    "fusion",
    "EER random",
    "EER skilled",
    "EER skilled of the best baseline",
    "frozen for",
    "FRR, frozen",
    "FAR skilled, frozen",
)
"""What the columns of `reference_rows` are."""


def reference_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return one line per number of references and way of fusing them."""
    return [
        (
            str(row["references"]) + _left_out(row),
            row["fusion"] if row["references"] > 1 else "none",
            percent(row.get("eer_random")),
            percent(row.get("eer_skilled")),
            _best_baseline(row),
            str(row.get("threshold_for_references", 1)),
            percent(row.get("frr_frozen")),
            percent(row.get("far_skilled_frozen")),
        )
        for row in metrics.get("references", [])
    ]


def _left_out(row: dict[str, Any]) -> str:
    n = len(row.get("left_out", []))
    return f" ({n} signer{'s' if n > 1 else ''} left out)" if n else ""


def _best_baseline(row: dict[str, Any]) -> str:
    """Return the baseline of the lowest skilled error in a row of references, and that error."""
    rates = {name: found["eer_skilled"] for name, found in row.get("baselines", {}).items() if "eer_skilled" in found}
    known = {name: rate for name, rate in rates.items() if rate["value"] is not None}
    if not known:
        return "-"
    name = min(known, key=lambda name: known[name]["value"])
    return f"{name} {percent(known[name])}"


SPLITS = ("rate", "mean", "s.d.", "least", "most")
"""What the columns of `split_rows` are."""


def split_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return one line per rate over the random halves of `evaluation_card.resplit`; none if there are no halves."""
    found = metrics.get("splits") or {}
    labels = {"frr": "FRR", "far_skilled": "FAR, skilled", "far_random": "FAR, random"}
    return [
        (label, *(f"{100 * value:.1f} %" for value in (row["mean"], row["sd"], min(row["values"]), max(row["values"]))))
        for name, label in labels.items()
        if (row := found.get(name))
    ]


def rate_points(metrics: dict[str, Any]) -> Points:
    """Return every rate of these tables as shares from 0 to 1: of methods, skills and numbers of references."""
    rows: list[tuple[object, ...]] = []
    named = [("verifier", metrics["verifier"]), *metrics["baselines"].items()]
    named += [(f"skill {row['skill']}", row) for row in metrics.get("skills", [])]
    for row in metrics.get("references", []):
        beside = {f"{rate}, {name}": found[rate] for name, found in row.get("baselines", {}).items() for rate in found}
        named.append((f"{row['references']} references, {row['fusion']}", row | beside))
    for name, found in named:
        for rate, value in found.items():
            if isinstance(value, dict) and "value" in value:
                rows.append((name, rate, value["value"], value["low"], value["high"]))
    return Points("rates", ("of", "rate", "value", "low", "high"), rows)
