"""Shortcut probes of an evaluation: what would give a forgery away without comparing any handwriting.

Every evaluation runs them on the signatures it judges. Nuisances (paper, pen, page, file) must not tell a forgery; one
image without a reference may tell something, since hesitation is evidence, but less than the verifier does. What a
probe found is a `Finding`; a failed one stands in red at the top of the report. The measurements themselves are in
`probes.py` and `file_facts.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .baselines import pixel_features
from .preprocess import to_ink
from .probes import TOLERANCE, blind_probe, nuisances, shape_features
from .protocols import SignatureSet, TrialTable
from .quality import likeness_of_copies

Z_MANY = 3.3
"""Standard errors that a nuisance may be off: about thirty are looked at, and one in thirty runs may fail by chance."""
COPY = 0.97
LONGEST_PX = 512
PAPER = {"background": "level of the paper", "background_sd": "texture of the paper"}
PEN = {"width": "width of the line", "darkness": "darkness of the line"}
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
        status: "ok", "note", "failed" or "not run".
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


def nuisance_finding(
    probe: str,
    looks_at: str,
    area: float,
    error: float,
    *,
    tolerance: float = TOLERANCE,
    words: str = "",
) -> Finding:
    """Return the finding of something that must tell nothing: failed if its AUC is surely outside the limit."""
    off = abs(area - 0.5) - Z_MANY * error > tolerance
    told = f"{looks_at}: it tells forged from genuine (AUC {area:.2f}) without any handwriting" if off else ""
    limit = f"{0.5 - tolerance:.2f} to {0.5 + tolerance:.2f}"
    low, high = max(area - 1.96 * error, 0.0), min(area + 1.96 * error, 1.0)
    return Finding(probe, looks_at, area, low, high, limit, "failed" if off else "ok", (told + words) if off else "")


def quick_nuisances(image: NDArray[np.uint8]) -> dict[str, float]:
    """Return `probes.nuisances` of an image brought to at most 512 px, with its own height and width."""
    shrink = min(1.0, LONGEST_PX / max(image.shape))
    small = image
    if shrink < 1.0:
        size = (max(4, round(image.shape[1] * shrink)), max(4, round(image.shape[0] * shrink)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return nuisances(small) | {"height": float(image.shape[0]), "wide": float(image.shape[1])}


def partners(signatures: SignatureSet, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each of some places another genuine signature of its signer among them; -1 where there is none."""
    genuine: dict[str, list[int]] = {}
    for i in places.tolist():
        if signatures.kind[i] == "genuine":
            genuine.setdefault(str(signatures.signer[i]), []).append(i)
    found = []
    for i in places.tolist():
        others = [j for j in genuine.get(str(signatures.signer[i]), []) if j != i]
        found.append(others[i % len(others)] if others else -1)
    return np.array(found, dtype=np.intp)


def nuisance_findings(
    view: str, signatures: SignatureSet, places: NDArray[np.intp], rows: Sequence[dict[str, float]]
) -> list[Finding]:
    """Return what paper and pen tell, of single images, of pairs, and all of the paper together.

    Args:
        view: How the images were seen: "as captured" or "after preprocessing".
        signatures: What was measured.
        places: Which of them, shape ``(n,)``.
        rows: `quick_nuisances` of each, in the same order.
    """
    kind, signer = signatures.kind[places], signatures.signer[places]
    chosen = (kind == "genuine") | (kind == "skilled")
    forged = kind == "skilled"
    if not forged.any() or not (kind == "genuine").any():
        return [Finding("background", view, None, None, None, "", "not run", "there is no skilled forgery")]
    where = {int(place): i for i, place in enumerate(places)}
    other = partners(signatures, places)
    paired = chosen & (other >= 0)
    mate = np.array([where.get(int(j), -1) for j in other])
    found = []
    for name, words in {**PAPER, **PEN}.items():
        values = np.array([row[name] for row in rows])
        probe = "background" if name in PAPER else "ink"
        area, error = area_over_signers(forged[chosen], values[chosen], signer[chosen])
        found.append(nuisance_finding(probe, f"{words}, {view}", area, error))
        difference = np.abs(values - values[mate])[paired]
        area, error = area_over_signers(forged[paired], difference, signer[paired])
        found.append(nuisance_finding("pair difference", f"{words}, {view}", area, error))
    if len(set(signer[chosen].tolist())) >= 5:
        paper = np.array([[row[name] for name in PAPER] for row in rows])[chosen]
        blind = blind_probe(paper, forged[chosen], signer[chosen])
        found.append(nuisance_finding("background", f"all of the paper together, {view}", blind.area, blind.error))
    return found


def blind_findings(
    canvases: NDArray[np.uint8],
    embeddings: NDArray[np.float32],
    signatures: SignatureSet,
    places: NDArray[np.intp],
    trials: TrialTable,
) -> list[Finding]:
    """Return how well the questioned signature alone, without any reference, tells skilled forgeries.

    Args:
        canvases: What the network sees, of every signature.
        embeddings: The network's view, of every signature.
        signatures: All of them.
        places: Which of them are looked at.
        trials: The verifier's trials, whose area the probe must not reach.
    """
    kind, signer = signatures.kind[places], signatures.signer[places]
    chosen = places[(kind == "genuine") | (kind == "skilled")]
    forged, signers = signatures.kind[chosen] == "skilled", signatures.signer[chosen]
    judged = (trials.kind == "genuine") | (trials.kind == "skilled")
    if len(set(signer.tolist())) < 5 or not forged.any() or forged.all() or not (trials.kind == "skilled").any():
        words = "needs five signers or more, with genuine and skilled signatures"
        return [Finding("reference-blind", "questioned image", None, None, None, "", "not run", words)]
    area, error = area_over_signers(
        trials.kind[judged] == "skilled", -trials.score[judged].astype(np.float64), trials.claimed[judged]
    )
    features = np.array([shape_features(canvases[i]) for i in chosen])
    found = []
    for looks_at, blind in (
        ("questioned image alone", blind_probe(features, forged, signers)),
        ("questioned embedding alone", _linear_probe(embeddings[chosen], forged, signers)),
    ):
        found.append(_against_verifier(looks_at, *blind[:2], area, error))
    return found


def _against_verifier(looks_at: str, blind: float, blind_error: float, area: float, error: float) -> Finding:
    close = 1.96 * float(np.hypot(blind_error, error))
    status = "failed" if blind >= area else "note" if blind > area - close else "ok"
    words = {
        "failed": f"a classifier that sees the {looks_at} does as well as the verifier (AUC {blind:.2f} against "
        f"{area:.2f}): nothing shows that references are used",
        "note": f"a classifier that sees the {looks_at} comes near the verifier (AUC {blind:.2f} against {area:.2f})",
        "ok": "",
    }[status]
    low, high = max(blind - 1.96 * blind_error, 0.0), min(blind + 1.96 * blind_error, 1.0)
    return Finding("reference-blind", looks_at, blind, low, high, f"below the verifier, {area:.3f}", status, words)


def _linear_probe(
    features: NDArray[np.floating], forged: NDArray[np.bool_], signers: NDArray[Any], folds: int = 5
) -> tuple[float, float]:
    """Return AUC and error of a logistic regression on 32 principal components, cross-validated over signers."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    parts = min(32, features.shape[1], len(features) // 2)
    model = make_pipeline(
        PCA(parts, random_state=0, svd_solver="randomized"),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=500, class_weight="balanced"),
    )
    flat = np.asarray(features, dtype=np.float32)
    guess = cross_val_predict(model, flat, forged, groups=signers, cv=GroupKFold(folds), method="decision_function")
    return area_over_signers(forged, guess, signers)


def duplicate_findings(
    signatures: SignatureSet, canvases: NDArray[np.uint8], places: NDArray[np.intp]
) -> list[Finding]:
    """Return how many signatures are copies of another one, exactly or nearly; nobody signs twice alike.

    Args:
        signatures: All of them.
        canvases: What the network sees of each.
        places: Which of them are compared with each other.
    """
    pairs = [(int(places[a]), int(places[b])) for a, b in copies(canvases[places])]
    name, label = signatures.name, [f"{s}/{k}" for s, k in zip(signatures.signer, signatures.kind, strict=True)]
    crossed = [(a, b) for a, b in pairs if label[a] != label[b]]
    a, b = (crossed or pairs or [(0, 0)])[0]
    if crossed:
        words = f"{len(crossed)} images are copies of one with another signer or label, such as {name[a]} of {name[b]}"
    else:
        words = f"{len(pairs)} images are copies of another, such as {name[a]} of {name[b]}" if pairs else ""
    status = "failed" if crossed else "note" if pairs else "ok"
    looks_at = "copies among the preprocessed images"
    return [Finding("duplicate images", looks_at, len(pairs), None, None, "none", status, words, "pairs")]


def copies(canvases: NDArray[np.uint8], most: int = 2000) -> list[tuple[int, int]]:
    """Return pairs of places whose canvases are the same picture, up to noise; at most ``most``."""
    starts = range(0, len(canvases), 256)
    vectors = np.concatenate([pixel_features(to_ink(canvases[s : s + 256])[..., 0]) for s in starts])
    found: list[tuple[int, int]] = []
    for start in range(0, len(vectors), 1024):
        alike = vectors[start : start + 1024] @ vectors.T
        rows, columns = np.nonzero(alike > 0.94)
        for a, b in zip((rows + start).tolist(), columns.tolist(), strict=True):
            if a < b and len(found) < most and likeness_of_copies(canvases[a], canvases[b]) >= COPY:
                found.append((a, b))
    return found


def overlap_finding(looks_at: str, shared: Sequence[str]) -> Finding:
    """Return whether a signer who is judged was also trained on or chose thresholds."""
    words = f"{len(shared)} judged signers were trained on or chose thresholds, such as {shared[0]}" if shared else ""
    status = "failed" if shared else "ok"
    return Finding("signer overlap", looks_at, len(shared), None, None, "none", status, words, "signers")


def summarise(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what goes into `metrics.json` under "probes"."""
    return {
        "failed": [f"{f.probe}: {f.words}" for f in findings if f.status == "failed"],
        "notes": [f"{f.probe}: {f.words}" for f in findings if f.status == "note"],
        "findings": [f._asdict() for f in findings],
    }


def findings_of(metrics: dict[str, Any]) -> list[Finding]:
    """Return the findings that a `metrics.json` holds; none if it was written before there were any."""
    return [Finding(**row) for row in metrics.get("probes", {}).get("findings", [])]


def exported_overlap(folder: Path, config: Any) -> list[str]:
    """Return the signers of an exported folder who are trained on, or choose thresholds, in a run's own world."""
    import json

    from .splits import split_world

    record = folder / "export.json"
    if not record.is_file() or record.stat().st_size > 1_000_000:
        return []
    try:
        spec = json.loads(record.read_text(encoding="utf-8"))["spec"]
        seed, first, signers = int(spec["seed"]), int(spec["first"]), int(spec["signers"])
    except (ValueError, KeyError, TypeError):
        return []
    if seed != config.world.seed or spec.get("world") != "default":
        return []
    split = split_world(config.world)
    judged = range(first, first + signers)
    shared = []
    for part in (split.train, split.dev):
        shared += [str(i) for i in judged if i in part]
    return shared
