"""What is different in each world of the shift page, one sentence each."""

_WORDS = {
    "own world": "The usual mix of people, pens and scans; every forger has practised the signature.",
    "another seed": "Other people and acts by the very same laws: what moves here is chance.",
    "scan": "Every sheet is scanned in greys, at 150 to 600 dpi; no scan is black and white.",
    "bilevel": "Every scan is black and white, without greys, at 150 to 600 dpi.",
    "jpeg": "Every scan is compressed as JPEG, with its blocks and rings.",
    "photo": "Every sheet is photographed, not scanned: tilt, uneven light, shadow, blur and JPEG.",
    "fax": "Every sheet went through a fax machine: coarse, black and white.",
    "untouched": "Every sheet is scanned in greys at 300 dpi, and nothing was done to it.",
    "askew": "Every scan is turned by up to 6 degrees either way.",
    "stretched": "Every scan is stretched or shrunk across by up to a tenth.",
    "75 to 113 dpi": "Every scan was shrunk to between a quarter and three eighths.",
    "thresholded": "Every scan was brought to black and white afterwards, at a threshold of its own.",
    "faded": "Ink is faint in patches, as where a pen runs dry.",
    "printed line": "A printed line runs through the lower half of every scan.",
    "dust": "Five to twenty-four dark specks lie on every scan.",
    "cut off": "Every scan was cropped too tightly: 2 to 8 % of its ink's height or width is lost at one side.",
    "simple": "Every forger knows the name only and has never seen the signature.",
    "careless": "Every forger signs quickly and from memory.",
    "slow copier": "Every forger draws the signature slowly with the model in view.",
    "tracer": "Every forger follows the lines of a genuine signature: the right shape, a slow hand.",
    "half look-alikes": "People come half as near to each other as look-alikes do.",
    "look-alikes": "Everybody learnt to write at one of a few schools, and many share a name and letterforms.",
    "consistent signers": "Everybody's own signatures vary less from act to act than usual.",
    "variable signers": "Everybody's own signatures vary more from act to act than usual; this is no trembling.",
    "short signatures": "People sign briefly and fast, as in a public set of movements, and forgers have practised.",
    "vector fonts": "Another generator altogether: warped letters of vector fonts, without the movement of a hand.",
}
_SCRIPTS = {
    "latin print": "printed Latin letters",
    "cyrillic": "Cyrillic letters",
    "arabic persian": "the Arabic or Persian script",
    "devanagari": "the Devanagari script",
    "bengali": "the Bengali script",
    "chinese japanese": "Chinese or Japanese characters",
    "invented": "a script that does not exist",
}
_PENS = {"felt": "a felt-tip pen", "fountain": "a fountain pen", "pencil": "a pencil"}
_WORDS |= {name: f"Everybody signs in {script}." for name, script in _SCRIPTS.items()}
_WORDS |= {name: f"Every signature is written with {pen}." for name, pen in _PENS.items()}


def difference_of(name: str) -> str:
    """Return what is different in a world, as one sentence; empty if it has none.

    Args:
        name: Of a shift of `shift_worlds.shifts`, or "own world".
    """
    return _WORDS.get(name, "")
