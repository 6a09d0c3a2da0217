"""What a record's purpose, written in a person's own words, allows: evaluation, training, or neither.

The words are English. A purpose that names none of them allows nothing, and the refusal says which words would.
"""

import re
from typing import Literal, get_args

Use = Literal["evaluation", "training"]
USES: tuple[Use, ...] = get_args(Use)

_WORDS = {
    "evaluation": r"evaluat\w*|benchmark\w*|test(s|ing)?|measur\w*|validat\w*|verif\w*",
    "training": r"(re-?)?train(s|ing|ed)?|fine-?tun\w*|fit(ting)?|adapt\w*",
    "research": r"research\w*|stud(y|ies)|thesis|dissertation|experiments?",
    "teaching": r"teach\w*|cours(e|es)|lessons?|class(es|room)?|educat\w*|lectures?",
}
_BROAD = ("research", "teaching")
_NEGATED = re.compile(r"\b(no|not|never|without|except|excluding)\b[^.;,:]*", re.IGNORECASE)


def named(text: str) -> set[str]:
    """Return which of evaluation, training, research and teaching a text names.

    Args:
        text: A few words.

    Example:
        >>> sorted(named("Research, and a lesson on forgery"))
        ['research', 'teaching']
    """
    return {word for word, pattern in _WORDS.items() if re.search(rf"\b({pattern})\b", text, re.IGNORECASE)}


def allowed_uses(purpose: str) -> tuple[Use, ...]:
    """Return the uses that a purpose allows.

    Research and teaching allow both; what is ruled out ("no training") is out whatever else is named.

    Args:
        purpose: In a person's own words.

    Example:
        >>> allowed_uses("teaching"), allowed_uses("evaluation of a verifier"), allowed_uses("research, no training")
        (('evaluation', 'training'), ('evaluation',), ('evaluation',))
    """
    ruled_out = named(" ".join(match[0] for match in _NEGATED.finditer(purpose)))
    wanted = named(_NEGATED.sub(" ", purpose)) - ruled_out
    broad = bool(wanted.intersection(_BROAD))
    return tuple(use for use in USES if use not in ruled_out and (broad or use in wanted))
