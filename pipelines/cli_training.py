"""Verbs that train and measure: demo, train, compare, speed, info."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_classify import check_task, train_classifier, train_folds
from .cli_evaluation import print_metrics
from .cli_shared import (
    LossOption,
    ModelOption,
    QuietOption,
    SeedOption,
    SetOption,
    app,
    checked,
    make_progress,
    preset_config,
    print_table,
)


@app.command()
def demo(
    preset: Annotated[
        str, typer.Option(help="smoke (a minute), classroom (ten minutes) or study (hours).")
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
    data: Annotated[
        Path | None, typer.Option(help="With --head: fit on your own folder, with a provenance.toml.")
    ] = None,
    task: Annotated[str, typer.Option(help="verify, or classify: name one of a closed set of people.")] = "verify",
    folds: Annotated[
        int | None, typer.Option(help="Cross-validate in so many folds; 4 for --task classify if left out.")
    ] = None,
    signers: Annotated[int | None, typer.Option(help="With --task classify: people in the class; 184.")] = None,
    acts: Annotated[int | None, typer.Option(help="With --task classify: signatures of each; 4.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="With --task classify: a run whose trained network embeds.")
    ] = None,
    adapter: Annotated[str, typer.Option(help="How the folder given by --data is laid out.")] = "folders",
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Train only; `evaluate --run` or `demo` goes on from there."""
    from .demo import Clock, train_stage
    from .runs import Run

    progress = make_progress(quiet)
    check_task(task, signers=signers, acts=acts)
    if task == "classify":
        size: dict[str, Any] = {"folds": folds, "signers": signers, "acts": acts}
        given: dict[str, Any] = {"seed": seed, "model": model, "start": start, "data": data, "adapter": adapter}
        train_classifier(run, preset=preset, progress=progress, fresh=fresh, changes=changes or (), **given, **size)
        return
    if folds is not None:
        config = checked(preset_config(preset, seed, changes or (), model=model, loss=loss))
        train_folds(run or Path("runs") / f"{preset}-folds", config, folds, head, data, adapter, fresh, progress)
        return
    folder = Run(run or Path("runs") / preset)
    if data is not None and head is None:
        raise ValueError("--data is for --head logistic; networks are trained on synthetic signatures only")
    if head is not None:
        _fit_head(folder, head, data, progress)
        return
    config = checked(preset_config(preset, seed, changes or (), model=model, loss=loss))
    folder.start(config, fresh=fresh)
    train_stage(folder, config, progress, Clock(folder))
    print(f"trained: {folder / 'model.keras'}; next: python -m pipelines evaluate --run {folder.path}")


def _fit_head(folder: Any, head: str, data: Path | None, progress: Any) -> None:
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
    numbers = [int(word) for word in seeds.split(",") if word.strip()]
    rows = work(config, names, out, seeds=numbers, best=best, progress=progress)
    print_table("Networks on equal images, skilled EER first", COLUMNS, [cells(row) for row in rows])
    print(f"table: {out / 'comparison.md'}, {out / 'comparison.csv'}")


@app.command()
def speed(preset: Annotated[str, typer.Option(help="Whose batch and network.")] = "classroom") -> None:
    """Measure drawing and training here, as ratios within one run."""
    from .speed import speed as work

    preset_config(preset, None)
    print_table("Speed", ("figure", "value"), [(k, f"{v:.2f}") for k, v in work(make_progress(False), preset).items()])


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
