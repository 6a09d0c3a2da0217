"""Where signatures of a batch come from: a world, stored canvases of a user's folder, or both by a ratio.

A source knows its signers by *place*, and hands out *items*, which only it can draw. Whatever it chooses it chooses
with the generator it is given, so that a batch depends on its number alone.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synth import World

from .drawing import draw_augmented
from .sampling import forged_acts, genuine_acts, pick_signers
from .settings import BatchSettings

Place = Any
Item = Any


class Source(Protocol):
    """What batches are sampled from."""

    @property
    def seed(self) -> int:
        """What, with a batch's number, decides which batch that is."""

    @property
    def n_signers(self) -> int:
        """How many signers there are."""

    def choose(self, rng: np.random.Generator, n: int, number: int, *, distinct: bool) -> list[Place]:
        """Return signers for batch `number`, each once if `distinct`."""

    def other(self, rng: np.random.Generator, place: Place) -> Place:
        """Return a signer of the same origin that is not this one."""

    def genuine(self, rng: np.random.Generator, place: Place, n: int) -> list[Item]:
        """Return n different genuine signatures of a signer."""

    def forged(self, rng: np.random.Generator, place: Place, n: int, settings: BatchSettings) -> list[Item]:
        """Return n forgeries of a signer, the most skilled kind there is."""

    def signatures(self, rng: np.random.Generator, n: int, number: int) -> tuple[list[Item], list[Place]]:
        """Return n genuine signatures, and whose they are, as often from a signer as the source has them."""

    def class_of(self, place: Place) -> int:
        """Return the signer's number among all, 0 to ``n_signers - 1``."""

    def draw(
        self,
        items: Sequence[Item],
        *,
        height: int,
        width: int,
        recipe: str = "default",
        augment: str = "none",
        groups: NDArray[np.int32] | None = None,
        number: int = 0,
    ) -> NDArray[np.uint8]:
        """Return preprocessed canvases, shape ``(n, height, width)``.

        Args:
            items: What to draw.
            height: In px.
            width: In px.
            recipe: Of the preprocessing.
            augment: Of the augmentation, or "none".
            groups: Which items may be augmented alike, shape ``(n,)``; each on its own if left out.
            number: Of the batch; the same number is augmented alike.
        """


class WorldSource:
    """The signers of one part of a world; anyone's signature can be drawn, and forged by another of that part.

    Args:
        world: The world.
        signers: Part of it.
    """

    def __init__(self, world: World, signers: Sequence[int]) -> None:
        self.world, self.signers = world, signers
        self.seed, self.n_signers = world.seed, len(signers)

    def choose(self, rng: np.random.Generator, n: int, number: int, *, distinct: bool) -> list[int]:
        """Return the numbers of n signers in the world."""
        if distinct:
            return pick_signers(rng, self.signers, n)
        return [self.signers[int(i)] for i in rng.integers(len(self.signers), size=n)]

    def other(self, rng: np.random.Generator, place: int) -> int:
        """Return the number of another signer."""
        return pick_signers(rng, self.signers, 1, but=place)[0]

    def genuine(self, rng: np.random.Generator, place: int, n: int) -> list[Item]:
        """Return n acts of one signer, seldom two of one session."""
        return list(genuine_acts(rng, self.world[place], n))

    def forged(self, rng: np.random.Generator, place: int, n: int, settings: BatchSettings) -> list[Item]:
        """Return n forgeries by a few others of the same part."""
        return list(forged_acts(rng, self.world, self.signers, place, n, settings))

    def signatures(self, rng: np.random.Generator, n: int, number: int) -> tuple[list[Item], list[int]]:
        """Return n genuine acts of signers chosen evenly."""
        places = self.choose(rng, n, number, distinct=False)
        return [self.genuine(rng, place, 1)[0] for place in places], places

    def class_of(self, place: int) -> int:
        """Return the signer's number within the part."""
        return place - self.signers[0]

    def draw(
        self,
        items: Sequence[Item],
        *,
        height: int,
        width: int,
        recipe: str = "default",
        augment: str = "none",
        groups: NDArray[np.int32] | None = None,
        number: int = 0,
    ) -> NDArray[np.uint8]:
        """Return the canvases of acts."""
        alike = np.arange(len(items), dtype=np.int32) if groups is None else groups
        how: dict[str, Any] = {"height": height, "width": width, "recipe": recipe}
        return draw_augmented(items, alike, augment, seed=self.seed, number=number, **how)


class StoredSource:
    """Canvases held in memory, such as those of a user's folder; what is not there is never made up.

    A signer of whom there is no forgery is claimed by others' genuine signatures instead.

    Args:
        canvases: Preprocessed images, uint8 ``(n, height, width)``.
        signers: Claimed signer of each.
        kinds: "genuine", "simple" or "skilled" for each.
        seed: Decides, with a batch's number, what is chosen.
        name: Where they came from, for messages.
    """

    def __init__(
        self, canvases: NDArray[np.uint8], signers: NDArray[np.str_], kinds: NDArray[np.str_], *, seed: int, name: str
    ) -> None:
        self.canvases, self.seed, self.name = canvases, seed, name
        self.names = list(dict.fromkeys(np.asarray(signers).tolist()))
        self.n_signers = len(self.names)
        self.own: list[NDArray[np.intp]] = []
        self.forgeries: list[NDArray[np.intp]] = []
        for signer in self.names:
            mine, genuine = np.asarray(signers) == signer, np.asarray(kinds) == "genuine"
            self.own.append(np.flatnonzero(mine & genuine))
            self.forgeries.append(np.flatnonzero(mine & ~genuine))
        self.whose = np.concatenate([np.full(len(own), i) for i, own in enumerate(self.own)] or [np.zeros(0, int)])
        self.rows = np.concatenate([*self.own, np.zeros(0, np.intp)]).astype(np.intp)

    def only(self, places: Sequence[int]) -> "StoredSource":
        """Return a source of some of the signers."""
        rows = np.concatenate([np.concatenate([self.own[i], self.forgeries[i]]) for i in places])
        signers = np.concatenate([[self.names[i]] * (len(self.own[i]) + len(self.forgeries[i])) for i in places])
        kinds = np.concatenate([["genuine"] * len(self.own[i]) + ["skilled"] * len(self.forgeries[i]) for i in places])
        return StoredSource(self.canvases[rows], signers, kinds, seed=self.seed, name=self.name)

    def choose(self, rng: np.random.Generator, n: int, number: int, *, distinct: bool) -> list[int]:
        """Return the places of n signers."""
        return [int(i) for i in rng.choice(self.n_signers, n, replace=not distinct)]

    def other(self, rng: np.random.Generator, place: int) -> int:
        """Return the place of another signer."""
        return int((place + rng.integers(1, self.n_signers)) % self.n_signers)

    def genuine(self, rng: np.random.Generator, place: int, n: int) -> list[int]:
        """Return the rows of n genuine signatures."""
        return [int(i) for i in rng.choice(self.own[place], n, replace=False)]

    def forged(self, rng: np.random.Generator, place: int, n: int, settings: BatchSettings) -> list[int]:
        """Return the rows of n forgeries, some twice if there are fewer; of others' genuine ones if there are none."""
        rows = self.forgeries[place] if len(self.forgeries[place]) else self.rows[self.whose != place]
        return [int(i) for i in rng.choice(rows, n, replace=len(rows) < n)]

    def signatures(self, rng: np.random.Generator, n: int, number: int) -> tuple[list[int], list[int]]:
        """Return n genuine signatures chosen evenly among all, so that who signed more comes more often."""
        chosen = rng.choice(len(self.rows), n, replace=len(self.rows) < n)
        return [int(self.rows[i]) for i in chosen], [int(self.whose[i]) for i in chosen]

    def class_of(self, place: int) -> int:
        """Return the place itself."""
        return place

    def draw(
        self,
        items: Sequence[int],
        *,
        height: int,
        width: int,
        recipe: str = "default",
        augment: str = "none",
        groups: NDArray[np.int32] | None = None,
        number: int = 0,
    ) -> NDArray[np.uint8]:
        """Return the canvases of some rows, made at this size; what augmentation changed is prepared anew."""
        found = self.canvases[np.asarray(items, dtype=np.intp)]
        if augment == "none":
            return found
        from .augment import augmented
        from .preprocess import preprocess

        alike = list(range(len(items))) if groups is None else groups.tolist()
        pictures = augmented(
            list(found),
            alike,
            lambda picture: preprocess(picture, height=height, width=width, recipe=recipe),
            recipe=augment,
            seed=self.seed,
            epoch=number,
        )
        return np.stack(pictures)


class MixedSource:
    """Two sources by a ratio that holds in the long run exactly, whatever the size of a batch.

    Args:
        first: Gives the rest.
        second: Gives its share.
        share: Of the second, 0 to 1.
    """

    def __init__(self, first: Source, second: Source, share: float) -> None:
        self.parts, self.share = (first, second), share
        self.seed, self.n_signers = first.seed, first.n_signers + second.n_signers

    def choose(self, rng: np.random.Generator, n: int, number: int, *, distinct: bool) -> list[Place]:
        """Return signers as pairs: which source, which place there."""
        counts = self._counts(n, number)
        return [(i, p) for i in (0, 1) for p in self.parts[i].choose(rng, counts[i], number, distinct=distinct)]

    def _counts(self, n: int, number: int) -> tuple[int, int]:
        second = math.floor((number + 1) * n * self.share + 1e-9) - math.floor(number * n * self.share + 1e-9)
        return n - second, second

    def other(self, rng: np.random.Generator, place: Place) -> Place:
        """Return another signer of the same source."""
        return place[0], self.parts[place[0]].other(rng, place[1])

    def genuine(self, rng: np.random.Generator, place: Place, n: int) -> list[Item]:
        """Return n genuine signatures of a signer."""
        return [(place[0], item) for item in self.parts[place[0]].genuine(rng, place[1], n)]

    def forged(self, rng: np.random.Generator, place: Place, n: int, settings: BatchSettings) -> list[Item]:
        """Return n forgeries of a signer."""
        return [(place[0], item) for item in self.parts[place[0]].forged(rng, place[1], n, settings)]

    def signatures(self, rng: np.random.Generator, n: int, number: int) -> tuple[list[Item], list[Place]]:
        """Return n genuine signatures, the second source's share of them from there."""
        items: list[Item] = []
        places: list[Place] = []
        for i, count in enumerate(self._counts(n, number)):
            found, whose = self.parts[i].signatures(rng, count, number) if count else ([], [])
            items += [(i, item) for item in found]
            places += [(i, place) for place in whose]
        return items, places

    def class_of(self, place: Place) -> int:
        """Return the signer's number, the second source's after the first's."""
        return self.parts[place[0]].class_of(place[1]) + (self.parts[0].n_signers if place[0] else 0)

    def draw(
        self,
        items: Sequence[Item],
        *,
        height: int,
        width: int,
        recipe: str = "default",
        augment: str = "none",
        groups: NDArray[np.int32] | None = None,
        number: int = 0,
    ) -> NDArray[np.uint8]:
        """Return canvases in the order of the items."""
        drawn = np.empty((len(items), height, width), dtype=np.uint8)
        for i, part in enumerate(self.parts):
            rows = [row for row, (which, _) in enumerate(items) if which == i]
            if rows:
                drawn[rows] = part.draw(
                    [items[row][1] for row in rows],
                    height=height,
                    width=width,
                    recipe=recipe,
                    augment=augment,
                    groups=None if groups is None else groups[rows],
                    number=number,
                )
        return drawn
