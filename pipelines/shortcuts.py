"""Shortcut probes of an evaluation: what would give a forgery away without comparing any handwriting.

Every evaluation runs them on the signatures it judges. Nuisances (paper, pen, page, file) must not tell a forgery; one
image without a reference may tell something, since hesitation is evidence, but less than the verifier does. What a
probe found is a `Finding`; a failed one stands in red at the top of the report. The measurements themselves are in
`probes.py` and `file_facts.py`, copies and signers of two parts in `shortcut_copies.py`.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .probe_findings import Finding, area_over_signers, nuisance_finding
from .probes import blind_probe, nuisances, shape_features
from .trials import SignatureSet, TrialTable

LONGEST_PX = 512
LEAST_SIGNERS = 5
"""Below it the standard error of an area over signers is next to nothing by chance, and every probe would cry out."""
PAPER = {"background": "level of the paper", "background_sd": "texture of the paper"}
PEN = {"width": "width of the line", "darkness": "darkness of the line"}


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

    On pictures fitted to a canvas the width of the line also tells how large somebody wrote, which a forger may miss:
    of 200 signers pair differences had an AUC of 0.53 there, and 0.51 on scans of 200 dpi.
    """
    kind, signer = signatures.kind[places], signatures.signer[places]
    chosen = (kind == "genuine") | (kind == "skilled")
    forged = kind == "skilled"
    if not forged.any() or not (kind == "genuine").any():
        return [Finding("background", view, None, None, None, "", "not run", "there is no skilled forgery")]
    if len(set(signer[chosen].tolist())) < LEAST_SIGNERS:
        words = f"needs {LEAST_SIGNERS} signers or more: the spread over fewer says nothing of chance"
        return [Finding("background", view, None, None, None, "", "not run", words)]
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
    if (
        len(set(signer.tolist())) < LEAST_SIGNERS
        or not forged.any()
        or forged.all()
        or not (trials.kind == "skilled").any()
    ):
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
