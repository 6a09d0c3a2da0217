"""Intervals and comparisons from a bootstrap over signers; what it can be of is in `figures.py` (NumPy only)."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .error_rates import Floats


class Interval(NamedTuple):
    """A statistic, its percentile interval over signers, and what that interval rests on."""

    value: float
    low: float
    high: float
    n_signers: int
    n_draws: int  # draws in which the statistic was defined


class Difference(NamedTuple):
    """Figure of A less figure of B on the same trials, with what says whether it is more than chance.

    Attributes:
        value: On all signers.
        low: Lower end of the percentile interval of the difference.
        high: Upper end.
        p_value: Two-sided share of draws on the other side of 0, 0 to 1; never below 2 / (draws + 1).
        n_signers: Claimed signers, which were drawn.
        n_draws: Draws in which both figures were defined.
    """

    value: float
    low: float
    high: float
    p_value: float
    n_signers: int
    n_draws: int


class Trials(Protocol):
    """What a statistic reads of a trial table (`trials.TrialTable` has it): parallel arrays."""

    @property
    def claimed(self) -> NDArray[np.str_]: ...  # noqa: D102
    @property
    def impostor(self) -> NDArray[np.str_]: ...  # noqa: D102
    @property
    def kind(self) -> NDArray[np.str_]: ...  # noqa: D102
    @property
    def score(self) -> NDArray[np.floating]: ...  # noqa: D102


# A statistic looks at the trials once (sorting, costs) and returns a function of the trials' weights.
Statistic = Callable[[Trials], Callable[[Floats], float]]
# The same for several figures that share work, by name.
Figures = Callable[[Trials], Callable[[Floats], dict[str, float]]]


def coded(names: NDArray[np.str_]) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
    """Return the distinct names, ascending, and the place of each name among them; quick where names come in runs."""
    if not names.size:
        return names, np.empty(0, dtype=np.intp)
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    distinct, place = np.unique(names[starts], return_inverse=True)
    return distinct, np.repeat(place, np.diff(np.append(starts, names.size)))


def weights_over_signers(trials: Trials, *, seed: int, draws: int) -> Iterator[Floats]:
    """Yield the trials' weights in each draw of a bootstrap over signers, shape ``(n,)`` each.

    Source:
        Poh, Martin, Bengio (2007), "Performance generalization in biometric authentication using joint user-specific
        and sample bootstraps", IEEE TPAMI 29. Differs: signers only; a random forgery weighs by both roles.
    """
    names, roles = coded(np.concatenate([trials.claimed, trials.impostor]))
    mine, other = np.split(roles, 2)
    # Trials of one claimed signer and one impostor weigh the same, so that the product is made once for each two.
    both, place = np.unique(mine * names.size + other, return_inverse=True)
    cells = np.divmod(both, names.size)
    people = np.flatnonzero(names != "")
    drawn, rng = np.ones(names.size), np.random.default_rng(seed)  # "" stands for no impostor and weighs 1
    for _ in range(draws):
        drawn[people] = np.bincount(rng.integers(people.size, size=people.size), minlength=people.size)
        yield (drawn[cells[0]] * drawn[cells[1]])[place]


def _number_of_signers(trials: Trials) -> int:
    n_signers = int(np.unique(trials.claimed).size)
    if n_signers < 2:
        raise ValueError(f"a bootstrap over signers needs at least 2 claimed signers, got {n_signers}")
    return n_signers


def _percentiles(values: Floats, level: float) -> tuple[float, float, int]:
    """Return both ends of the percentile interval of the defined values, and how many are."""
    defined = values[~np.isnan(values)]
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]) if defined.size else (np.nan,) * 2
    return float(low), float(high), int(defined.size)


def bootstrap_figures(
    trials: Trials, figures: Sequence[Figures], *, seed: int, n_draws: int = 1000, level: float = 0.95
) -> dict[str, Interval]:
    """Return figures with their percentile intervals from one bootstrap over signers that they share.

    Signers are drawn with replacement and bring all their trials. A trial weighs as often as its claimed
    signer was drawn, times, for a random forgery, as often as its impostor was. Equal seeds draw
    equal signers. Thresholds inside the figures stay frozen. Where no error was seen the interval is
    0 to 0: then the rule of three, 3 / number of signers, bounds the rate.

    Args:
        trials: Parallel arrays; ``impostor`` is "" unless the trial is a random forgery.
        figures: What to compute; names must differ.
        seed: Seed of the draws, 0 or more.
        n_draws: Number of draws; those in which a figure is undefined are skipped for it.
        level: Coverage of the interval, between 0 and 1.

    Raises:
        ValueError: If fewer than two signers are claimed, or a figure lacks its trials.

    Source:
        Poh, Martin, Bengio (2007), "Performance generalization in biometric authentication using joint
        user-specific and sample bootstraps", IEEE TPAMI 29. Differs: signers only, both roles drawn.
    """
    n_signers = _number_of_signers(trials)
    weigh = [prepare(trials) for prepare in figures]
    value = _all_of(weigh, np.ones(trials.score.size))
    rows = [_all_of(weigh, weights) for weights in weights_over_signers(trials, seed=seed, draws=n_draws)]
    drawn = {name: np.array([row[name] for row in rows]) for name in value}
    ends = {name: _percentiles(values, level) for name, values in drawn.items()}
    return {name: Interval(value[name], *ends[name][:2], n_signers, ends[name][2]) for name in value}


def _all_of(weigh: Sequence[Callable[[Floats], dict[str, float]]], weights: Floats) -> dict[str, float]:
    return {name: figure for each in weigh for name, figure in each(weights).items()}


def named(name: str, statistic: Statistic) -> Figures:
    """Return one statistic as figures, under a name."""

    def prepare(trials: Trials) -> Callable[[Floats], dict[str, float]]:
        weigh = statistic(trials)
        return lambda weights: {name: weigh(weights)}

    return prepare


def bootstrap_over_signers(
    trials: Trials, statistic: Statistic, *, seed: int, n_draws: int = 1000, level: float = 0.95
) -> Interval:
    """Return one statistic with its interval, as `bootstrap_figures` does."""
    return bootstrap_figures(trials, [named("", statistic)], seed=seed, n_draws=n_draws, level=level)[""]


def paired_bootstrap(
    first: Trials, second: Trials, statistic: Statistic, *, seed: int, n_draws: int = 2000, level: float = 0.95
) -> Difference:
    """Return whether model A (`first`) and model B differ in a figure, on the very same trials.

    Both are weighed by the same drawn signers, so that what is hard for both cancels. For an error rate a negative
    difference says that A is better; it is more than chance if the interval does not hold 0.

    Args:
        first: Trials scored by A.
        second: The same trials in the same order, scored by B.
        statistic: `frr_at`, `far_at`, `eer_of` and the like, each with the threshold of its own model inside if it
            has one; then give a pair of them.
        seed: Seed of the draws.
        n_draws: Number of draws.
        level: Coverage of the interval.

    Raises:
        ValueError: If the trials differ, or fewer than two signers are claimed.

    Source:
        Bisani, Ney (2004), "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP,
        section on the comparison of systems. Differs: signers are drawn instead of sentences.
    """
    return paired_bootstrap_of((first, statistic), (second, statistic), seed=seed, n_draws=n_draws, level=level)


def paired_bootstrap_of(
    first: tuple[Trials, Statistic],
    second: tuple[Trials, Statistic],
    *,
    seed: int,
    n_draws: int = 2000,
    level: float = 0.95,
) -> Difference:
    """Return what `paired_bootstrap` does where each model has a statistic of its own, such as a frozen threshold."""
    (a, of_a), (b, of_b) = first, second
    for column in ("claimed", "impostor", "kind", "reference", "questioned"):
        mine, theirs = getattr(a, column, None), getattr(b, column, None)
        if mine is not None and theirs is not None and not np.array_equal(mine, theirs):
            raise ValueError(f"{column}: the two tables hold other trials or another order; score the same trials")
    n_signers, (weigh_a, weigh_b) = _number_of_signers(a), (of_a(a), of_b(b))
    ones = np.ones(a.score.size)
    drawn = np.array(
        [weigh_a(weights) - weigh_b(weights) for weights in weights_over_signers(a, seed=seed, draws=n_draws)]
    )
    low, high, defined = _percentiles(drawn, level)
    tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    p_value = min(1.0, 2.0 * (tail + 1) / (defined + 1))
    return Difference(weigh_a(ones) - weigh_b(ones), low, high, p_value, n_signers, defined)
