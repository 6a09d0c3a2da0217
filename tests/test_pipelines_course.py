"""What the course shares: exercises that check themselves, figures with a description, class lists, mistakes."""

import csv
import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from typer.testing import CliRunner

from pipelines import course
from pipelines.class_list import Expected, expected_rows, read_students, write_rows
from pipelines.cli import app
from pipelines.cohort import cohort, cohort_trials
from pipelines.course import PLAIN, RUN, SOLUTIONS, Exercises, Solution, load_solutions, ready_run, show, slider
from pipelines.course_answers import as_text, compare_answers, read_answers
from pipelines.runs import Run

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
TWO = {"1.1": Solution(lambda student: student / 3, 0.01), "1.2": Solution(lambda student: "tracer", 0)}


def test_an_open_exercise_is_never_wrong(monkeypatch, capsys):
    monkeypatch.delenv(SOLUTIONS, raising=False)
    exercises = Exercises(4711)
    assert exercises.check("6.1", ..., lambda answer: False, hint="think") is ...
    assert exercises.wrong == []
    assert capsys.readouterr().out == "Exercise 6.1, student 4711: open\n"


def test_a_wrong_answer_is_named_with_its_hint_and_a_right_one_is_not(capsys):
    exercises = Exercises(0)
    exercises.check("6.4", 300, lambda n: n == 3000, hint="The rule of three.")
    exercises.check("6.3", "a word", lambda p: 0.009 < p < 0.011, hint="Odds.")  # not even a number
    assert exercises.wrong == ["6.4", "6.3"]
    exercises.check("6.4", 3000, lambda n: n == 3000, hint="The rule of three.")
    assert exercises.wrong == ["6.3"]
    said = capsys.readouterr().out
    assert "not yet (300). The rule of three." in said
    assert "right (3000)" in said


def test_open_exercises_are_answered_from_a_file_of_solutions_that_is_asked_for(monkeypatch, tmp_path):
    file = tmp_path / "answers.py"
    file.write_text(
        "from pipelines.course import Solution\nSOLUTIONS = {'1.1': Solution(lambda student: student + 1, 0)}\n"
    )
    monkeypatch.setenv(SOLUTIONS, str(file))
    assert Exercises(41).check("1.1", ..., lambda answer: answer == 42, hint="one more") == 42


def test_an_exercise_says_what_it_would_take():
    exercises = Exercises(0)
    exercises.check("6.4", ..., lambda n: n == 3000, hint="The rule of three.")
    assert exercises.accepts("6.4", 3000)
    assert not any(exercises.accepts("6.4", answer) for answer in (300, "3000", None, [3000]))
    assert exercises.answers == {}
    with pytest.raises(ValueError, match=r"exercise '6\.1' was not reached; reached: 6\.4"):
        exercises.accepts("6.1", 0.5)


def test_a_student_number_is_not_negative():
    with pytest.raises(ValueError, match="student is -1"):
        Exercises(-1)


@pytest.mark.parametrize(
    ("text", "said"), [(None, "no file of solutions"), ("ANSWERS = {}\n", "no dictionary SOLUTIONS")]
)
def test_what_is_no_file_of_solutions_is_refused(tmp_path, text, said):
    file = tmp_path / "solutions.py"
    if text:
        file.write_text(text)
    with pytest.raises(ValueError, match=said):
        load_solutions(file)


def test_a_figure_needs_a_description_that_says_something():
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="say in a sentence"):
        show(Figure(), alt="a plot")


def test_a_slider_draws_once_where_sliders_are_not_wanted(monkeypatch):
    monkeypatch.setenv(PLAIN, "1")
    drawn = []
    slider(drawn.append, label="skill", low=0.0, high=1.0, step=0.1, value=0.3)
    assert drawn == [0.3]


def test_a_slider_draws_again_when_it_is_moved(monkeypatch):
    pytest.importorskip("ipywidgets", reason="sliders need the notebooks extra")
    monkeypatch.delenv(PLAIN, raising=False)
    drawn = []

    def draw(skill):
        drawn.append(skill)

    slider(draw, label="skill", low=0.0, high=1.0, step=0.1, value=0.3)
    moved = draw.widget.children[0]
    assert (moved.min, moved.max, moved.step, moved.description) == (0.0, 1.0, 0.1, "skill")
    moved.value = 0.8
    assert drawn == [0.3, 0.8]


def test_a_finished_run_that_is_named_is_copied_and_another_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv(RUN, raising=False)
    assert ready_run(tmp_path / "copy") is None
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.setenv(RUN, str(mine))
    with pytest.raises(ValueError, match="no finished run"):
        ready_run(tmp_path / "copy")
    (mine / "metrics.json").write_text('{"verifier": {"eer_random": 0.25}}')
    Run(mine).mark("finished", stage="done")
    assert ready_run(tmp_path / "copy") == {"verifier": {"eer_random": 0.25}}
    assert Run(tmp_path / "copy").finished


def test_a_run_that_is_named_from_the_projects_folder_is_found_from_beside_the_notebooks(monkeypatch, tmp_path):
    mine, notebooks = tmp_path / "runs" / "mine", tmp_path / "notebooks"
    mine.mkdir(parents=True)
    notebooks.mkdir()
    (mine / "metrics.json").write_text("{}")
    Run(mine).mark("finished", stage="done")
    assert FOLDER.parent == course._PROJECT
    monkeypatch.setattr(course, "_PROJECT", tmp_path)
    monkeypatch.setenv(RUN, "runs/mine")
    for number, here in enumerate((notebooks, tmp_path)):
        monkeypatch.chdir(here)
        assert ready_run(tmp_path / f"copy {number}") == {}
    monkeypatch.setenv(RUN, "runs/other")
    with pytest.raises(ValueError, match="'runs/other', which is no finished run"):
        ready_run(tmp_path / "copy")


def test_a_class_list_gives_every_student_every_answer(tmp_path):
    file = tmp_path / "class.csv"
    file.write_text("name,student\nAda,4711\nBo,0\n", encoding="utf-8")
    rows = expected_rows(read_students(file), TWO)
    assert [(row.student, row.exercise) for row in rows] == [(4711, "1.1"), (4711, "1.2"), (0, "1.1"), (0, "1.2")]
    with write_rows(tmp_path / "expected.csv", rows).open(encoding="utf-8") as lines:
        back = list(csv.DictReader(lines))
    assert back[0] == {"student": "4711", "exercise": "1.1", "answer": "1570.33", "tolerance": "0.01"}
    assert [row["answer"] for row in back[1:]] == ["tracer", "0", "tracer"]


def test_some_exercises_alone():
    assert expected_rows([3], TWO, only=["1.2"]) == [Expected(3, "1.2", "tracer", 0)]
    with pytest.raises(ValueError, match=r"no exercise '9\.9'"):
        expected_rows([3], TWO, only=["9.9"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nAda\n", "no column 'student'"),
        ("student\n-3\n", "line 2: student '-3' is no whole number"),
        ("student\n9223372036854775808\n", "no whole number from 0 to"),
        ("student\n5\n5\n", "different ones"),
        ("student\n", "has 0 students"),
    ],
)
def test_a_class_list_that_is_none_is_refused(tmp_path, text, said):
    file = tmp_path / "class.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_students(file)


EXPECTED = 'student,exercise,answer,tolerance\n5,3.3,"light, standard",0\n5,6.1,0.7123,0.01\n5,6.4,3000,0\n'


def test_saved_answers_are_compared_within_what_another_machine_may_be_off_by(tmp_path):
    exercises = Exercises(5)
    for number, answer in (("3.3", {"standard", "light"}), ("6.1", np.float64(0.7199)), ("6.4", 3000)):
        exercises.check(number, answer, lambda answer: True, hint="")
    (tmp_path / "expected.csv").write_text(EXPECTED, encoding="utf-8")
    expected = read_answers(tmp_path / "expected.csv", tolerance=True)
    handed = read_answers(exercises.save(tmp_path / "mine.csv"))
    assert [mark.verdict for mark in compare_answers(expected, handed)] == ["agrees"] * 3
    handed[1]["answer"] = "0.7227"
    handed[2] |= {"exercise": "6.5"}
    verdicts = [(mark.exercise, mark.verdict) for mark in compare_answers(expected, handed)]
    assert verdicts == [("3.3", "agrees"), ("6.1", "differs"), ("6.4", "open"), ("6.5", "not expected")]


def test_a_text_that_a_spreadsheet_would_run_is_saved_as_text(tmp_path):
    exercises = Exercises(5)
    exercises.check("3.2", "=1+1", lambda answer: False, hint="")
    exercises.check("7.3", -0.25, lambda answer: False, hint="")
    lines = exercises.save(tmp_path / "mine.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ["5,3.2,'=1+1", "5,7.3,-0.25"]
    assert as_text(float("nan")) == "nan"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("student,exercise,answer\n5,6.4,3000\n", "no column 'tolerance'"),
        ("student,exercise,answer,tolerance\n5,6.4,3000,some\n", "line 2: tolerance 'some' is no number"),
        ("student,exercise,answer,tolerance\n5,6.4,3000,-1\n", "line 2: tolerance '-1' is no number"),
    ],
)
def test_a_table_of_expected_answers_that_is_none_is_refused(tmp_path, text, said):
    (tmp_path / "expected.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_answers(tmp_path / "expected.csv", tolerance=True)


def test_the_teacher_sees_which_answers_differ(tmp_path):
    (tmp_path / "expected.csv").write_text(EXPECTED, encoding="utf-8")
    (tmp_path / "mine.csv").write_text("student,exercise,answer\n5,6.4,3000\n5,6.1,0.8\n", encoding="utf-8")
    ran = CliRunner().invoke(app, ["course", "compare", str(tmp_path / "expected.csv"), str(tmp_path / "mine.csv")])
    assert ran.exit_code == 1
    assert "1 agree, 1 differ, 1 are open" in ran.output
    assert "0.7123" in ran.output
    ran = CliRunner().invoke(app, ["course", "compare", *[str(tmp_path / "expected.csv")] * 2])
    assert (ran.exit_code, ran.output) == (0, "3 agree, 0 differ, 0 are open\n")


@pytest.mark.slow
def test_this_machine_expects_what_the_stored_table_expects():
    """The table was drawn on another machine, or by another version; see the README of the course."""
    stored = read_answers(FOLDER / "tables" / "expected.csv", tolerance=True)
    solutions = load_solutions(FOLDER / "solutions.py")
    asked = [number for number in solutions if number != "5.1"]  # whose answer is in a table, and moves with it
    assert [row["exercise"] for row in stored] == asked
    here = expected_rows(sorted({int(row["student"]) for row in stored}), solutions, only=asked)
    handed = [dict(zip(("student", "exercise", "answer"), row.cells()[:3], strict=True)) for row in here]
    assert [mark for mark in compare_answers(stored, handed) if mark.verdict != "agrees"] == []
    assert all(float(row["tolerance"]) == solutions[row["exercise"]].tolerance for row in stored)


def test_two_students_have_different_cohorts_and_one_student_the_same_again():
    here = cohort(5, "test", signers=4, genuine=2, forgeries=1)
    cohort.cache_clear()
    again = cohort(5, "test", signers=4, genuine=2, forgeries=1)
    assert np.array_equal(here.canvases, again.canvases)
    assert not np.array_equal(here.canvases, cohort(6, "test", signers=4, genuine=2, forgeries=1).canvases)


def test_nobody_is_in_both_parts_of_a_cohort():
    parts = [cohort(5, part, signers=4, genuine=2, forgeries=1) for part in ("development", "test")]
    people = [{a.claimed.index for a in part.acts} | {a.by.index for a in part.acts} for part in parts]
    assert not people[0] & people[1]
    with pytest.raises(ValueError, match="3 signers are too few"):
        cohort(5, "test", signers=3)


def test_even_a_small_cohort_finds_random_forgeries_easier_than_skilled_ones():
    from pipelines.metrics import eer

    trials = cohort_trials(5, "test", signers=16, n_random=6)
    scores = {kind: trials.select(kind=kind).score for kind in ("genuine", "random", "skilled")}
    assert eer(scores["genuine"], scores["random"]).rate < eer(scores["genuine"], scores["skilled"]).rate


def exercises_in(path):
    source = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
    return re.findall(r'exercises\.check\(\s*"(\d+\.\d+)"', source)


def test_every_exercise_has_a_worked_answer_and_every_answer_an_exercise():
    asked = [number for path in sorted(FOLDER.glob("*.ipynb")) for number in exercises_in(path)]
    assert len(asked) == len(set(asked)) >= 10
    solutions = load_solutions(FOLDER / "solutions.py")
    assert set(asked) == set(solutions)
    assert all(solution.tolerance >= 0 and math.isfinite(solution.tolerance) for solution in solutions.values())


@pytest.mark.slow
@pytest.mark.parametrize("student", [90210])
def test_each_mistake_flatters_whoever_makes_it(student):
    from pipelines import mistakes

    leak = mistakes.signer_leak(student)
    assert leak.claimed > 0.9 > 0.7 > leak.honest
    tint = mistakes.scanner_tint(student)
    assert tint.claimed > 0.95 > 0.7 > tint.honest
    tuned = mistakes.threshold_from_test(student)
    assert tuned.claimed > tuned.honest
    easy = mistakes.random_only(student)
    assert easy.claimed > easy.honest + 0.05
    blind = mistakes.blind_classifier(student)
    assert blind.familiar > blind.unfamiliar + 0.15
    assert blind.accepts_strangers > 0.4
