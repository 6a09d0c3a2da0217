"""What a script consists of: units with their particulars, and a law that strings them into pseudo-names.

A `Script` is data: letterforms in the notation of ``letterforms.py``, flags that tell the layout how units
stand together, and a small automaton over *states*. A state emits one of its entries (one unit, or a few
that belong together such as a letter and its dots) and passes on to the next state, so that a name looks
like the script without being anyone's. Nothing here draws.
"""

import dataclasses
from collections.abc import Mapping

from .letterforms import Form

CAPITAL, MARK, BOX, HANGS, RIGHT_TO_LEFT, JOINS, STANDS = (1 << i for i in range(7))
"""Particulars of a unit: a capital; a sign that stands where the letter before it ends; part of a box, whose
pieces share one place; hangs from a headline; belongs to a script written from right to left; is always, or
is never joined to what follows."""

FORMS = (
    Form(wide=1.10, bend=1.25, heavy=0.10, lean=0.03, bow=0.16),
    Form(wide=0.90, bend=0.70, rise=0.04, swell=0.18, bow=-0.05),
    Form(wide=1.02, bend=1.05, lean=-0.05, rise=-0.03, swell=-0.14, heavy=-0.10, bow=-0.14),
)
"""Round and wide, narrow and angular, upright with a low middle: allographs that any script's units have."""


@dataclasses.dataclass(frozen=True)
class State:
    """One place in a name.

    Attributes:
        entries: What may stand here, separated by ``|``. An entry is one or more units separated by spaces;
            ``name@dx,dy,wide,tall,advance`` places a unit (x-heights, factors; trailing numbers may be left
            out), and ``entry*3`` makes an entry three times as frequent.
        go: Weights of the next state while the word is not long enough, such as ``"onset:2 vowel:1"``.
        stop: The same once it is; ``.`` ends the word.
        counts: What an entry adds to the length of the word.
    """

    entries: str
    go: str
    stop: str = "."
    counts: int = 1


@dataclasses.dataclass(frozen=True)
class Script:
    """A script: its units, how they stand together, and the law of its pseudo-names.

    Attributes:
        name: The script, such as "bengali".
        letters: Families of allographs for each unit; `FORMS` of each are added.
        start: Weights of the first state of a word.
        states: The states by name.
        trait: Flags that every unit has.
        traits: Further flags of single units.
        forms: Smooth changes that give further allographs.
        labels: What stands for a unit in a printed text where that is not its name.
    """

    name: str
    letters: Mapping[str, tuple[str, ...]]
    start: str
    states: Mapping[str, State]
    trait: int = 0
    traits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    forms: tuple[Form, ...] = FORMS
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def trait_of(self, unit: str) -> int:
        """Return the flags of one unit; one with no path of its own to write at once is a mark."""
        mark = MARK if all(family.split(":", 1)[1].lstrip().startswith("~") for family in self.letters[unit]) else 0
        return self.trait | mark | self.traits.get(unit, 0)
