"""What a shortcut probe found, as one line of a table, and when a statistic that must tell nothing has failed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .probes import TOLERANCE

Z_MANY = 3.3
"""Standard errors that a nuisance may be off: about thirty are looked at, and one in thirty runs may fail by chance."""
UNSURE = "not surely outside"
"""The result of a value outside its limit that chance may have put there."""
HEAD = ("probe", "looks at", "found", "limit", "result")


class Finding(NamedTuple):
    """What one probe found.

    Attributes:
        probe: Which probe, such as "background".
        looks_at: What it sees.
        value: An area under the ROC curve (0.5: tells nothing), or a count where ``unit`` says so.
        low: Lower end of its 95 % interval over signers, or None.
        high: Upper end.
        limit: What it may be, in words.
        status: "ok", `UNSURE`, "note", "failed" or "not run".
        words: What it means, one sentence.
        unit: "AUC" or what is counted.
    """

    probe: str
    looks_at: str
    value: float | None
    low: float | None
    high: float | None
    limit: str
    status: str
    words: str
    unit: str = "AUC"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row of a table headed by `HEAD`."""
        if self.value is None:
            found = "-"
        elif self.unit != "AUC":
            found = f"{self.value:,.0f} {self.unit}"
        else:
            found = f"AUC {self.value:.3f}"
            found += "" if self.low is None else f" ({self.low:.3f} to {self.high:.3f})"
        return self.probe, self.looks_at, found, self.limit, self.status


def area_over_signers(
    forged: NDArray[np.bool_], values: NDArray[np.floating], signers: NDArray[Any]
) -> tuple[float, float]:
    """Return the AUC of a statistic, forged above genuine, and its standard error with signers as the units.

    Args:
        forged: Shape ``(n,)``, both labels present.
        values: Finite, same shape.
        signers: Claimed signer of each.

    Raises:
        ValueError: If one label is missing.

    Source:
        Obuchowski (1997), "Nonparametric analysis of clustered ROC curve data", Biometrics 53, section 3. As printed,
        both labels of a signer in one cluster.
    """
    if forged.all() or not forged.any():
        raise ValueError("an area needs genuine and forged signatures")
    placed = np.empty(len(values))
    for one, other in ((forged, ~forged), (~forged, forged)):
        against = np.sort(values[other])
        low, high = (np.searchsorted(against, values[one], side) for side in ("left", "right"))
        placed[one] = (low + high) / (2 * len(against))
    area = float(placed[forged].mean())
    placed[~forged] = 1.0 - placed[~forged]
    parts = (placed - area) / np.where(forged, forged.sum(), (~forged).sum())
    _, cluster = np.unique(signers, return_inverse=True)
    sums = np.bincount(cluster, parts)
    spread = len(sums) / max(len(sums) - 1, 1) * float((sums**2).sum())
    return area, float(np.sqrt(spread))


def nuisance_finding(probe: str, looks_at: str, area: float, error: float, *, tolerance: float = TOLERANCE) -> Finding:
    """Return the finding of something that must tell nothing.

    Failed if its AUC is surely outside the limit, `UNSURE` if it is outside, but not surely; else ok.

    Args:
        probe: Which probe.
        looks_at: What it sees.
        area: The AUC of forged above genuine, 0 to 1.
        error: Its standard error over signers.
        tolerance: How far from 0.5 it may lie; it fails `Z_MANY` standard errors beyond.
    """
    distance, status, told = abs(area - 0.5), "ok", ""
    if distance - Z_MANY * error > tolerance:
        status = "failed"
        told = f"{looks_at}: it tells forged from genuine (AUC {area:.2f}) without any handwriting"
    elif distance > tolerance:
        status, told = UNSURE, f"{looks_at}: outside the limit (AUC {area:.3f}), which may be chance"
    limit = f"{0.5 - tolerance:.2f} to {0.5 + tolerance:.2f}"
    low, high = max(area - 1.96 * error, 0.0), min(area + 1.96 * error, 1.0)
    return Finding(probe, looks_at, area, low, high, limit, status, told)


def summarise(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what goes into `metrics.json` under "probes"."""
    return {
        "failed": [f"{f.probe}: {f.words}" for f in findings if f.status == "failed"],
        "notes": [f"{f.probe}: {f.words}" for f in findings if f.status == "note"],
        "unsure": [f"{f.probe}: {f.words}" for f in findings if f.status == UNSURE],
        "findings": [f._asdict() for f in findings],
    }


def findings_of(metrics: dict[str, Any]) -> list[Finding]:
    """Return the findings that a `metrics.json` holds; none if it was written before there were any."""
    return [Finding(**row) for row in metrics.get("probes", {}).get("findings", [])]
