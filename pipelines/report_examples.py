"""What a report shows rather than counts: the worst errors, what the network looks at, where signatures lie."""

import html

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator, words_for
from .curve_points import Points
from .evaluation_parts import Part
from .page import figure, picture
from .plots import contact_sheet
from .trials import TrialTable
from .verifier import Verifier

MAP_SIGNERS, MAP_GENUINE, MAP_FORGED = 12, 6, 4


def example_sheet(part: Part, signers: int = 8) -> NDArray[np.uint8]:
    """Return rows of three genuine signatures and three forgeries of a few signers, as the network sees them."""
    rows = []
    for signer in list(dict.fromkeys(part.signatures.signer.tolist()))[:signers]:
        own = part.signatures.signer == signer
        genuine = np.flatnonzero(own & (part.signatures.kind == "genuine"))[:3]
        forged = np.flatnonzero(own & (part.signatures.kind != "genuine") & ~part.on_grid)[:3]
        rows.append([part.canvases[i] for i in (*genuine, *forged)])
    return contact_sheet(rows)


def worst(trials: TrialTable, threshold: float, kind: str, n: int = 10) -> NDArray[np.intp]:
    """Return the rows of the worst errors of one kind at a threshold, each questioned signature once, worst first.

    Args:
        trials: Scored.
        threshold: A score of it or above is accepted.
        kind: "genuine" for false rejections, a kind of forgery for false acceptances.
        n: How many, at most.
    """
    genuine = kind == "genuine"
    wrong = (trials.kind == kind) & ((trials.score < threshold) if genuine else (trials.score >= threshold))
    rows = np.flatnonzero(wrong)
    rows = rows[np.argsort(trials.score[rows] if genuine else -trials.score[rows], kind="stable")]
    _, first = np.unique(trials.questioned[rows], return_index=True)
    found: NDArray[np.intp] = rows[np.sort(first)][:n]
    return found


def worst_html(
    trials: TrialTable, part: Part, calibrator: LogisticCalibrator, *, threshold: float, kind: str, title: str
) -> str:
    """Return the worst errors of one kind as pictures beside their reference, with score and likelihood ratio.

    Args:
        trials: Scored.
        part: The signatures they are about, with their images.
        calibrator: Scores to likelihood ratios.
        threshold: Frozen.
        kind: As for `worst`.
        title: Heading above them.

    Returns:
        HTML; empty if there is no trial of the kind.
    """
    rows = worst(trials, threshold, kind)
    heading = f"<h3>{html.escape(title)}</h3>"
    if not (trials.kind == kind).any():
        return ""
    if not len(rows):
        return f"{heading}<p>There is none at the frozen threshold.</p>"
    where = {name: i for i, name in enumerate(part.signatures.name.tolist())}
    items = []
    for i in rows:
        reference, questioned = where[trials.reference[i]], where[trials.questioned[i]]
        skill = "" if np.isnan(trials.skill[i]) else f", forger skill {trials.skill[i]:.2f}"
        ratio = float(calibrator.log10_lr(trials.score[i]))
        other = f" (signature of {trials.impostor[i]})" if trials.impostor[i] else ""
        words = (
            f"signer {trials.claimed[i]}{other}: score {trials.score[i]:.3f}{skill}, log10 LR {ratio:+.2f}, "
            f"{words_for(ratio, calibrator.forgery_kind)}"
        )
        pictures = picture(part.canvases[reference], "reference") + picture(part.canvases[questioned], "questioned")
        items.append(figure(pictures, words))
    return f"{heading}<p>Left the reference, right the questioned signature.</p><div class=pairs>{''.join(items)}</div>"


def attention_html(trials: TrialTable, part: Part, verifier: Verifier | None, n: int = 3) -> str:
    """Return maps of what raised the score, of typical genuine acceptances and of the worst false acceptances.

    Empty for a network without maps to look at.
    """
    from .explain import Explanation, grad_cam, last_maps, overlay, strokes_words

    if verifier is None or len(getattr(verifier.model, "input_shape", ())) != 4:
        return ""
    try:
        layer = last_maps(verifier.model)
    except ValueError:  # a network without convolutions
        return ""
    where = {name: i for i, name in enumerate(part.signatures.name.tolist())}
    items = []
    for kind, words in (("genuine", "a genuine signature"), ("skilled", "a skilled forgery")):
        rows = np.flatnonzero(trials.kind == kind)
        rows = rows[np.argsort(-trials.score[rows], kind="stable")]
        rows = rows[len(rows) // 2 :] if kind == "genuine" else rows
        for i in rows[np.sort(np.unique(trials.claimed[rows], return_index=True)[1])][:n]:
            one, two = where[trials.reference[i]], where[trials.questioned[i]]
            score = float(trials.score[i])
            heat = grad_cam(verifier, verifier.model, layer, part.embeddings[one], part.canvases[two])
            seen = Explanation(score, 0, np.array([score], np.float32), part.canvases[two], heat, layer)
            share = strokes_words(seen.on_strokes)
            caption = f"{words} of signer {trials.claimed[i]}, score {score:.3f}; {share}"
            items.append(figure(picture(part.canvases[one], "reference") + picture(overlay(seen), "map"), caption))
    if not items:
        return ""
    return (
        f"<h3>What raised the score</h3><p>Gradient-weighted class activation maps (Grad-CAM) of layer "
        f"<code>{html.escape(layer)}</code>: left the reference, right the questioned signature: strokes red where "
        f"they raised the score, blue where they did not. Heat on empty paper is not drawn: where less than about half "
        f"of the map is on strokes, the picture shows the smaller part of it and explains little. A map shows where "
        f"the network looked, not why it was right.</p>"
        f"<div class=pairs>{''.join(items)}</div>"
    )


def embedding_map(part: Part, *, seed: int = 0) -> Points:
    """Return a plane on which signatures with a high score of each other lie near: t-SNE of one minus the score.

    Twelve signers, their genuine signatures and skilled forgeries of them. Empty for fewer than three signers.

    Source:
        van der Maaten, Hinton (2008), "Visualizing data using t-SNE", Journal of Machine Learning Research 9.
    """
    signatures, places = part.signatures, []
    names = list(dict.fromkeys(signatures.signer[part.headline].tolist()))[:MAP_SIGNERS]
    for name in names:
        own = part.headline[signatures.signer[part.headline] == name]
        places += own[signatures.kind[own] == "genuine"][:MAP_GENUINE].tolist()
        places += own[signatures.kind[own] == "skilled"][:MAP_FORGED].tolist()
    chosen = np.array(places, dtype=np.intp)
    head = ("signer", "kind", "name", "x", "y")
    if len(names) < 3 or len(chosen) < 12:
        return Points("embedding_map", head, [])
    everyone = np.arange(len(chosen))
    plane = _plane(np.asarray(part.similarity(chosen)(everyone, everyone), dtype=np.float64), seed)
    rows: list[tuple[object, ...]] = [
        (str(signatures.signer[i]), str(signatures.kind[i]), str(signatures.name[i]), float(x), float(y))
        for i, (x, y) in zip(chosen, plane, strict=True)
    ]
    return Points("embedding_map", head, rows)


def _plane(scores: NDArray[np.float64], seed: int) -> NDArray[np.floating]:
    """Return places in a plane, shape ``(n, 2)``, from pairwise scores, shape ``(n, n)``."""
    from sklearn.manifold import TSNE

    distance = (scores.max() - scores + (scores.max() - scores).T) / 2
    np.fill_diagonal(distance, 0.0)
    spread = max(min(8.0, (len(scores) - 1) / 3), 2.0)
    model = TSNE(metric="precomputed", init="random", perplexity=spread, random_state=seed, max_iter=750)
    return model.fit_transform(distance)


def signature_rows(part: Part, source: str) -> Points:
    """Return every signature that was used, with where it comes from and the SHA-256 of what the network saw."""
    import hashlib

    head = ("name", "signer", "kind", "forger", "skill", "in_headline", "provenance", "canvas_sha256")
    s = part.signatures
    rows: list[tuple[object, ...]] = []
    for i in range(len(s.name)):
        skill = "" if np.isnan(s.skill[i]) else f"{s.skill[i]:.4f}"
        digest = hashlib.sha256(np.ascontiguousarray(part.canvases[i]).tobytes()).hexdigest()
        row = (s.name[i], s.signer[i], s.kind[i], s.forger[i], skill, str(not part.on_grid[i]), source, digest)
        rows.append(tuple(str(value) for value in row))
    return Points("signatures", head, rows)
