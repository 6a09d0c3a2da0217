"""What the notebooks of the course share: figures with a description, sliders, exercises that check themselves.

Nothing here knows an answer. The rules of an exercise stand in its notebook; the worked answers stand in one file
(`notebooks/solutions.py`), which a teacher can leave out.
"""

import importlib.util
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from matplotlib.figure import Figure

SOLUTIONS = "PARAPH_SOLUTIONS"
"""Environment variable: a file of solutions that open exercises are answered from, as the tests do."""
PLAIN = "PARAPH_PLAIN"
"""Environment variable: anything but empty asks for figures without sliders."""
RUN = "PARAPH_RUN"
"""Environment variable: a finished run that a notebook may take a copy of instead of training a small one."""
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777"
_PROJECT = Path(__file__).resolve().parents[1]  # a notebook's kernel starts beside the notebook, not here
_RC: dict[Any, Any] = {
    "font.size": 12,
    "axes.titlesize": 13,
    "lines.linewidth": 2.0,
    "legend.fontsize": 10,
    "figure.dpi": 100,
}


class Solution(NamedTuple):
    """A worked answer: how it is computed from a student's number, and how far another machine may be off."""

    answer: Callable[[int], Any]
    tolerance: float


def readable() -> None:
    """Make the figures of this session readable from the last row."""
    import matplotlib.pyplot as plt

    plt.rcParams.update(_RC)


def show(figure: Figure, *, alt: str) -> None:
    """Show a figure with a description for those who cannot see it, and close it.

    Args:
        figure: A matplotlib figure.
        alt: What the figure shows, a sentence or more.

    Raises:
        ValueError: If the description is too short to be one.
    """
    import matplotlib.pyplot as plt
    from IPython.display import Image, display

    if len(alt.split()) < 6:
        raise ValueError(f"alt is {alt!r}; say in a sentence what the figure shows")
    png = io.BytesIO()
    figure.savefig(png, format="png")
    plt.close(figure)
    display(Image(png.getvalue(), alt=alt))  # type: ignore[no-untyped-call]


def slider(draw: Callable[[float], None], *, label: str, low: float, high: float, step: float, value: float) -> None:
    """Draw once, or again at every move of a slider where ipywidgets is installed.

    Args:
        draw: Takes the slider's value and shows something.
        label: What the slider moves, with its unit.
        low: Its lowest value.
        high: Its highest.
        step: From one to the next.
        value: Where it stands at first, and the only one without ipywidgets.
    """
    if os.environ.get(PLAIN) or importlib.util.find_spec("ipywidgets") is None:
        draw(value)
        return
    import ipywidgets

    style, room = {"description_width": "initial"}, ipywidgets.Layout(width="32em")
    moved = ipywidgets.FloatSlider(
        value, min=low, max=high, step=step, description=label, continuous_update=False, style=style, layout=room
    )
    ipywidgets.interact(draw, **{draw.__code__.co_varnames[0]: moved})


def ready_run(folder: str | Path) -> dict[str, Any] | None:
    """Copy the finished run that the environment names, and return its metrics; None if it names none.

    Args:
        folder: Where the copy goes; there is nothing there yet.

    Raises:
        ValueError: If what it names is no finished run, seen from here or from the project's folder.
    """
    named = os.environ.get(RUN)
    if not named:
        return None
    from .runs import Run

    source = next((path for path in (Path(named), _PROJECT / named) if Run(path).finished), None)
    if source is None:
        raise ValueError(f"{RUN} is {named!r}, which is no finished run; name one, or leave it empty")
    shutil.copytree(source, folder)
    metrics: dict[str, Any] = Run(folder).read("metrics.json")
    return metrics


class Exercises:
    """The exercises of one notebook, for one student.

    Args:
        student: The student's number, which is the seed of the student's world; 0 or above.

    Raises:
        ValueError: If the number is negative.
    """

    def __init__(self, student: int) -> None:
        if student < 0:
            raise ValueError(f"student is {student!r}; use your own number, 0 or above")
        self.student = student
        self.done: dict[str, bool | None] = {}
        self.answers: dict[str, Any] = {}
        self._rules: dict[str, Callable[[Any], bool]] = {}

    def check(self, number: str, answer: Any, rule: Callable[[Any], bool], *, hint: str) -> Any:
        """Say whether an answer follows the rule; dots stand for an open exercise, which is never wrong.

        Args:
            number: Of the exercise, such as "6.1".
            answer: What the student put in place of the dots.
            rule: Whether an answer is right.
            hint: What to think of, for who is not there yet.

        Returns:
            The answer, worked out from the file of solutions if it was open and there is one.
        """
        if answer is ... and (file := os.environ.get(SOLUTIONS)):
            answer = load_solutions(file)[number].answer(self.student)
        self._rules[number] = rule
        self.done[number] = None if answer is ... else self.accepts(number, answer)
        self.answers.pop(number, None)
        if answer is not ...:
            self.answers[number] = answer
        said = {None: "open", True: f"right ({_short(answer)})", False: f"not yet ({_short(answer)}). {hint}"}
        print(f"Exercise {number}, student {self.student}: {said[self.done[number]]}")
        return answer

    def accepts(self, number: str, answer: Any) -> bool:
        """Return whether an exercise that was reached takes an answer; one of another kind than it asks for is wrong.

        Args:
            number: Of the exercise, such as "6.1".
            answer: Anything.

        Raises:
            ValueError: If the notebook has not come to that exercise yet.
        """
        if number not in self._rules:
            raise ValueError(f"exercise {number!r} was not reached; reached: {', '.join(self._rules) or 'none'}")
        try:
            return bool(self._rules[number](answer))
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            return False

    def save(self, file: str | Path) -> Path:
        """Write the answers given so far as CSV, for the teacher, and return the file's path.

        Args:
            file: Where to; what is there is replaced.
        """
        from .course_answers import write_answers

        return write_answers(file, self.student, self.answers)

    @property
    def wrong(self) -> list[str]:
        """Numbers of the exercises that were tried and are not right yet."""
        return [number for number, right in self.done.items() if right is False]


def _short(answer: Any) -> str:
    if isinstance(answer, float):
        return f"{answer:.4g}"
    text = str(answer)
    return text if len(text) <= 60 else f"{text[:57]}..."


def load_solutions(file: str | Path) -> dict[str, Solution]:
    """Return the worked answers of a file of solutions, by number of the exercise.

    Args:
        file: Python that holds a dictionary ``SOLUTIONS`` from numbers to `Solution`.

    Raises:
        ValueError: If there is no such file, or nothing of that name in it.
    """
    path = Path(file)
    spec = importlib.util.spec_from_file_location("paraph_solutions", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"{path} is no file of solutions; give the path of solutions.py")
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, "SOLUTIONS", None)
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no dictionary SOLUTIONS; see notebooks/solutions.py")
    return found
