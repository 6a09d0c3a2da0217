"""Verbs that train and measure: demo, train, compare, speed, info."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_classify import check_task, train_classifier, train_folds
from .cli_evaluation import print_metrics
from .cli_hosts import check_alone, named_hosts, train_on_hosts
from .cli_shared import (
    LossOption,
    ModelOption,
    QuietOption,
    SeedOption,
    SetOption,
    app,
    checked,
    listed,
    make_progress,
    preset_config,
    print_table,
)

if TYPE_CHECKING:
    from .progress import Progress
    from .runs import Run


@app.command()
def demo(
    preset: Annotated[
        str, typer.Option(help="smoke (a minute), classroom (ten minutes) or study (half an hour).")
    ] = "classroom",
    run: Annotated[Path | None, typer.Option("--run", help="Run folder; runs/PRESET if left out.")] = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    loss: LossOption = None,
    changes: SetOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """World -> training -> evaluation on unseen signers -> report; goes on where it was interrupted."""
    config = checked(preset_config(preset, seed, changes or (), model=model, loss=loss))
    folder = run or Path("runs") / preset
    progress = make_progress(quiet)
    from .demo import demo as work

    metrics = work(folder, config, fresh=fresh, progress=progress)
    print_metrics(metrics, folder / "report.html")


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="smoke, classroom or study.")] = "classroom",
    run: Annotated[Path | None, typer.Option("--run", help="Run folder; runs/PRESET if left out.")] = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    loss: LossOption = None,
    changes: SetOption = None,
    head: Annotated[
        str | None, typer.Option(help="logistic: fit a pair head on the run's trained network, nothing else.")
    ] = None,
    start: Annotated[Path | None, typer.Option("--from", help="Fine-tune the network of this run.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="With --from or --head: your own folder, with a provenance.toml.")
    ] = None,
    adapter: Annotated[str, typer.Option(help="How that folder is laid out.")] = "folders",
    real_share: Annotated[float | None, typer.Option(help="How much of a batch comes from it, 0 to 1.")] = None,
    freeze: Annotated[list[str] | None, typer.Option(help="Stage that stays as it is, such as stem or stage1.")] = None,
    stop_at: Annotated[float | None, typer.Option(help="Stop at this development accuracy (1 - EER).")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many epochs without a better one.")] = None,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="Repeat bit by bit; slower.")] = False,
    task: Annotated[str, typer.Option(help="verify, or classify: name one of a closed set of people.")] = "verify",
    folds: Annotated[
        int | None, typer.Option(help="Cross-validate in so many folds; 4 for --task classify if left out.")
    ] = None,
    signers: Annotated[int | None, typer.Option(help="With --task classify: people in the class; 184.")] = None,
    acts: Annotated[int | None, typer.Option(help="With --task classify: signatures of each; 4.")] = None,
    hosts: Annotated[
        str | None,
        typer.Option(help="Train on several hosts: NAME:PORT of each, with commas, or TF_CONFIG; the same on all."),
    ] = None,
    host: Annotated[int | None, typer.Option(help="With --hosts: which of them this is, from 0.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Train only, anew or from another run, on a world or also on your own data; `evaluate --run` goes on."""
    from .demo import train_stage
    from .run_cost import Clock
    from .runs import Run

    progress = make_progress(quiet)
    check_task(task, signers=signers, acts=acts)
    check_alone(hosts, host, task=task, folds=folds, head=head)
    if task == "classify":
        size: dict[str, Any] = {"folds": folds, "signers": signers, "acts": acts}
        given: dict[str, Any] = {"seed": seed, "model": model, "start": start, "data": data, "adapter": adapter}
        train_classifier(run, preset=preset, progress=progress, fresh=fresh, changes=changes or (), **given, **size)
        return
    if folds is not None:
        config = checked(preset_config(preset, seed, changes or (), model=model, loss=loss))
        train_folds(run or Path("runs") / f"{preset}-folds", config, folds, head, data, adapter, fresh, progress)
        return
    if head is not None:
        _fit_head(Run(run or Path("runs") / preset), head, data, progress)
        return
    if data is not None and start is None:
        raise ValueError("--data goes with --from RUN, whose network is fine-tuned, or with --head logistic")
    wanted = _settings(freeze, real_share, stop_at=stop_at, patience=patience, deterministic=deterministic or None)
    wanted += changes or ()
    if start is not None:
        from .config import changed
        from .fine_tuning import fine_tuned

        base = fine_tuned(start, data=data, adapter=adapter, seed=seed, loss=loss, model=model)
        folder, config = Run(run or start.with_name(f"{start.name}-tuned")), changed(base, wanted)
    else:
        folder = Run(run or Path("runs") / preset)
        config = preset_config(preset, seed, wanted, model=model, loss=loss)
    if hosts is not None:
        train_on_hosts(folder, checked(config), named_hosts(hosts, host), fresh=fresh, progress=progress)
        return
    folder.start(checked(config), fresh=fresh)
    if (folder / "model.keras").exists():
        print(
            f"{folder.path} is trained already (--fresh trains anew); next: python -m pipelines evaluate --run "
            f"{folder.path}"
        )
        return
    train_stage(folder, config, progress, Clock(folder))
    print(f"trained: {folder / 'model.keras'}; next: python -m pipelines evaluate --run {folder.path}")


def _settings(freeze: list[str] | None, real_share: float | None, **named: float | bool | None) -> list[str]:
    """Return options of the verb as ``KEY=VALUE`` changes of a configuration; what was not given is left out."""
    wanted = [f"train.{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
    wanted += [f"train.frozen={json.dumps(listed(freeze, ''))}"] if freeze else []
    wanted += [f"inputs.real_share={real_share}"] if real_share is not None else []
    return wanted


def _fit_head(folder: "Run", head: str, data: Path | None, progress: "Progress") -> None:
    from .head_fitting import HEADS, fit_head

    if head not in HEADS:
        raise ValueError(f"unknown head {head!r}; use one of: {', '.join(HEADS)}")
    fitted = fit_head(folder, progress=progress, data=data)
    print(f"fitted on {fitted.n_pairs} pairs of {fitted.n_signers} signers: {folder / 'head.json'}")
    print(f"next: python -m pipelines evaluate --run {folder.path}")


@app.command()
def compare(
    out: Annotated[Path, typer.Option(help="Folder for the table and one run a network.")],
    models: Annotated[str, typer.Option(help="Names, separated by commas; all that take images if left out.")] = "",
    preset: Annotated[str, typer.Option(help="Whose world, batches and evaluation.")] = "classroom",
    steps: Annotated[int | None, typer.Option(help="Training steps of each; the preset's if left out.")] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of the weights, separated by commas.")] = "0",
    best: Annotated[int, typer.Option(help="How many of the best get every seed; 0 for all.")] = 3,
    seed: SeedOption = None,
    loss: LossOption = None,
    changes: SetOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train networks on equal images and write one table (Markdown, CSV, JSON); goes on where it was interrupted."""
    from .compare import COLUMNS, cells
    from .compare import compare as work

    numbers = whole_numbers(seeds)
    config = preset_config(preset, seed, changes or (), loss=loss)
    if steps is not None:
        epochs = config.train.epochs if steps % config.train.epochs == 0 else 1
        config = preset_config(
            preset,
            seed,
            [f"train.epochs={epochs}", f"train.steps_per_epoch={steps // epochs}", *(changes or ())],
            loss=loss,
        )
    progress = make_progress(quiet)
    if not models:
        from .information import image_models

        models = ",".join(image_models())
    names = [name.strip() for name in models.split(",") if name.strip()]
    rows = work(config, names, out, seeds=numbers, best=best, progress=progress)
    print_table("Networks on equal images, skilled EER first", COLUMNS, [cells(row) for row in rows])
    print(f"table: {out / 'comparison.md'}, {out / 'comparison.csv'}")


def whole_numbers(seeds: str) -> list[int]:
    """Return the numbers of ``--seeds``."""
    words = [word.strip() for word in seeds.split(",") if word.strip()]
    if wrong := [word for word in words if not word.isdecimal()]:
        raise ValueError(f"--seeds has {wrong[0]!r}; use whole numbers of 0 or above, separated by commas")
    return [int(word) for word in words]


@app.command()
def speed(preset: Annotated[str, typer.Option(help="Whose batch and network.")] = "classroom") -> None:
    """Measure drawing and training here, as ratios within one run."""
    from .speed import GOALS
    from .speed import speed as work

    preset_config(preset, None)
    found = work(make_progress(False), preset)
    print_table("Speed", ("figure", "value", "wanted"), [(k, f"{v:.2f}", GOALS.get(k, "")) for k, v in found.items()])


@app.command()
def info(
    models: Annotated[
        bool, typer.Option("--models", help="Only the networks: size, multiply-adds at 96 x 192, speed here.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Show versions, devices, models, presets, and what is missing or doubled."""
    if models:
        from .information import model_costs

        print_table("Networks, images of 96 x 192", *model_costs(make_progress(quiet)))
        return
    from .information import information

    for title, rows in information().items():
        print_table(title, ("name", "value"), rows)
