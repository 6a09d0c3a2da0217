"""Keys of `metrics.json` in words, for tables of a report; a key without words keeps its own, without underscores."""

import re

_WORDS = {
    "aposteriori": "rates a-posteriori (fitted on the scores they describe)",
    "calibration_loss": "of it lost by calibration, bits",
    "cllr": "Cllr, bits",
    "duplicates_removed": "equal images",
    "ece": "expected calibration error",
    "frr": "FRR",
    "kinds": "trials",
    "left": "left among those judged",
    "likelihood_ratio_costs": "costs of likelihood ratios",
    "misleading_forgery": "forgeries with LR above 1",
    "misleading_genuine": "genuine with LR below 1",
    "n": "repeats",
    "over_negatives_alone": "over negatives alone",
    "over_references_and_negatives": "over references and negatives",
    "over_splits": "over random halves of the signers",
    "pairs": "one reference",
    "probes": "AUC of one number of one image, without a reference (0.5 tells nothing)",
    "sd": "s.d.",
    "threshold_source": "where thresholds come from",
    "why_none": "why some are missing",
}
_KINDS = "random|skilled|simple"
_RATES = {"far": "FAR", "frr": "FRR", "eer": "EER", "aer": "mean of FRR and FAR"}
_PATTERNS = (
    (rf"far_({_KINDS})", r"FAR, \1"),
    (rf"(far|frr|aer)_?({_KINDS})?_frozen", r"\1, \2, frozen threshold"),
    (rf"(far|frr)_?({_KINDS})?_at_dev_far_({_KINDS})_(\d+)pct_frozen",
     r"\1, \2, frozen threshold for FAR \4 % (\3)"),
    (rf"eer_({_KINDS})_threshold_aposteriori", r"threshold (a score) of the EER, \1"),
    (rf"(eer)_({_KINDS})_aposteriori_per_signer", r"\1, \2, a threshold for each signer"),
    (rf"(eer)_({_KINDS})_aposteriori_global", r"\1, \2, one threshold for all"),
    (rf"(eer)_({_KINDS})", r"\1, \2"),
    (rf"cllr_({_KINDS})", r"Cllr, \1, bits"),
    (rf"min_cllr_({_KINDS})_aposteriori", r"least possible Cllr, \1, bits (a-posteriori)"),
    (rf"ece_({_KINDS})", r"expected calibration error, \1"),
)  # fmt: skip
_SHARES = re.compile(r"(eer|far|frr|aer|ece|misleading)(_|$)")


def label(key: str) -> str:
    """Return a key of `metrics.json` in words.

    Example:
        >>> label("frr_at_dev_far_skilled_1pct_frozen")
        'FRR, frozen threshold for FAR 1 % (skilled)'
    """
    if key in _WORDS:
        return _WORDS[key]
    for pattern, words in _PATTERNS:
        if found := re.fullmatch(pattern, key):
            said = found.expand(words).replace(", ,", ",")
            return _RATES[said[:3]] + said[3:] if said[:3] in _RATES else said
    return key.replace("_", " ")


def is_share(key: str) -> bool:
    """Whether the number of a key is a share, to be shown in per cent."""
    return bool(_SHARES.match(key)) and "threshold" not in key
