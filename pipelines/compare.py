"""Comparing networks: each trained on the same images of one world, judged on the same trials, one table.

Every network is a run of its own under the folder, so that an interrupted comparison goes on where it stopped. Batches
depend on their number alone: the networks see equal images in equal order.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .config import RunConfig, share_for
from .csv_text import as_csv
from .demo import demo
from .files import write_text
from .progress import Progress
from .report_tables import percent
from .runs import Run
from .trained import trained_network

COLUMNS = (
    "network",
    "loss",
    "seed",
    "EER random",
    "EER skilled",
    "parameters",
    "multiply-adds",
    "training s",
    "images/s",
    "images",
)


@dataclass(frozen=True)
class Row:
    """One trained network.

    Attributes:
        model: Registered name.
        loss: The loss it was trained with.
        seed: Of its weights.
        eer_random: Rate and interval over signers, as in `metrics.json`.
        eer_skilled: The same.
        parameters: How many numbers its weights are.
        multiply_adds: Of one image.
        training_s: Seconds of training on this machine.
        per_second: Images a second in training, drawing included.
        images: How many images it was trained on.
    """

    model: str
    loss: str
    seed: int
    eer_random: dict[str, Any]
    eer_skilled: dict[str, Any]
    parameters: int
    multiply_adds: int
    training_s: float
    per_second: float
    images: int


def compare(
    base: RunConfig,
    names: Sequence[str],
    out: str | Path,
    *,
    seeds: Sequence[int] = (0,),
    best: int = 3,
    progress: Progress,
) -> list[Row]:
    """Train and evaluate networks on equal images, and write `comparison.md`, `.csv` and `.json`.

    All networks are trained with the first seed; the ``best`` ones with the other seeds too, ranked by the skilled
    EER of development signers, so that the test signers choose nothing.

    Args:
        base: World, batches, steps, loss and evaluation; only the network and its seed change, and with loss "auto"
            the loss that each network is meant for.
        names: Registered names, at least one, none twice.
        out: Folder; a run folder for each network and seed is made in it.
        seeds: Seeds of the weights, at least one.
        best: How many networks are trained with every seed; 0 for all.
        progress: Where to say what happens.

    Returns:
        One row a training, in the order of the table: by the mean skilled EER of a network.

    Raises:
        ValueError: If a name is unknown or twice there, or there is no seed.
    """
    from .building import check_names

    names, seeds = list(names), list(seeds)
    if not names or len(set(names)) != len(names) or not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"need different names and different seeds, at least one each; got {names} and {seeds}")
    for name in names:
        check_names(_config(base, name, seeds[0]))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(base, name, seeds[0], folder, progress) for name in names]
    leading = sorted(rows, key=lambda row: _development_rate(folder, row))[: best or len(rows)]
    rows += [_row(base, row.model, seed, folder, progress) for row in leading for seed in seeds[1:]]
    rows = _ordered(rows)
    write_text(folder / "comparison.md", markdown(rows, base))
    write_text(folder / "comparison.csv", _csv_of(rows))
    write_text(folder / "comparison.json", json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return rows


def _config(base: RunConfig, name: str, seed: int) -> RunConfig:
    values = base.to_dict()
    same = name == base.train.model
    values["train"] |= {"model": name, "seed": seed, "model_options": base.train.model_options if same else {}}
    values["train"]["small_share"] = share_for(base, name)
    return RunConfig.from_dict(values)


def _row(base: RunConfig, name: str, seed: int, folder: Path, progress: Progress) -> Row:
    """Return one network's row, trained now or before."""
    import keras

    from .building import loss_name
    from .complexity import multiply_adds

    config = _config(base, name, seed)
    progress.say(f"{name}, seed {seed}")
    run = folder / f"{name}-{seed}"
    metrics = demo(run, config, fresh=False, progress=progress)
    model = trained_network(Run(run))
    cost = metrics["cost"]
    row = Row(
        name,
        loss_name(config),
        seed,
        metrics["verifier"]["eer_random"],
        metrics["verifier"]["eer_skilled"],
        model.count_params(),
        multiply_adds(model),
        cost["seconds"]["training"],
        round(cost["training_images"] / max(cost["seconds"]["training"], 0.1), 1),
        cost["training_images"],
    )
    keras.backend.clear_session()
    return row


def _development_rate(folder: Path, row: Row) -> float:
    """Return the skilled equal error rate of a training on development signers: the mean of the two rates there."""
    point = Run(folder / f"{row.model}-{row.seed}").read("metrics.json")["development"]["points"]["eer_skilled"]
    return float(point["frr"] + point["far_skilled"]) / 2


def _ordered(rows: list[Row]) -> list[Row]:
    names = {row.model for row in rows}
    mean = {name: float(np.mean([r.eer_skilled["value"] for r in rows if r.model == name])) for name in names}
    return sorted(rows, key=lambda row: (mean[row.model], row.model, row.seed))


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table as text."""
    return (
        row.model,
        row.loss,
        str(row.seed),
        percent(row.eer_random),
        percent(row.eer_skilled),
        f"{row.parameters / 1e6:.2f} M",
        f"{row.multiply_adds / 1e6:.0f} M",
        f"{row.training_s:.0f}",
        f"{row.per_second:.0f}",
        f"{row.images:,}",
    )


def markdown(rows: Sequence[Row], base: RunConfig) -> str:
    """Return the table as Markdown, with what it rests on and the spread over seeds."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    lines += ["", *_over_seeds(rows), ""]
    world, train = base.world, base.train
    lines.append(
        f"World {world.seed}, {world.test_signers} test signers, one reference; {train.course} of "
        f"{base.batch.images} images of {train.height} x {train.width}, the same for all{_but(rows, base)}; brackets: "
        "95 % intervals over signers. EERs are a-posteriori. Images/s is training with live drawing."
    )
    return "\n".join(lines) + "\n"


def _but(rows: Sequence[Row], base: RunConfig) -> str:
    """Return in words which networks saw no smaller canvases although the others did."""
    whole = sorted({row.model for row in rows if base.train.small_epochs and not share_for(base, row.model)})
    return f" (but {', '.join(whole)} on whole canvases throughout)" if whole else ""


def _over_seeds(rows: Sequence[Row]) -> list[str]:
    found = []
    for name in dict.fromkeys(row.model for row in rows):
        values = [100 * row.eer_skilled["value"] for row in rows if row.model == name]
        if len(values) > 1:
            found.append(
                f"{name}: skilled EER {np.mean(values):.1f} % on average over {len(values)} seeds, "
                f"{min(values):.1f} to {max(values):.1f}.  "
            )
    return found


def _csv_of(rows: Sequence[Row]) -> str:
    """Return the table as CSV: rates as shares from 0 to 1, with their intervals in columns of their own."""
    rates = [f"eer_{kind}_{part}" for kind in ("random", "skilled") for part in ("value", "low", "high")]
    kept = ("parameters", "multiply_adds", "training_s", "per_second", "images")
    table = []
    for row in rows:
        values = [rate[part] for rate in (row.eer_random, row.eer_skilled) for part in ("value", "low", "high")]
        table.append([row.model, row.loss, row.seed, *values, *(getattr(row, name) for name in kept)])
    return as_csv(["model", "loss", "seed", *rates, *kept], table)
