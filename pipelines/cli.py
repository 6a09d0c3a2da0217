"""`python -m pipelines VERB`: thin commands over the functions that do the work; heavy imports wait."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    help="Paraph: signature verification that needs no real signature.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
provenance_app = typer.Typer(
    help="Say where your own data comes from; without it no data is read.", no_args_is_help=True
)
app.add_typer(provenance_app, name="provenance")

RunOption = Annotated[Path, typer.Option("--run", help="Run folder.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="World seed, 0 or above.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Network, by its name in `info --models`.")]
LossOption = Annotated[str | None, typer.Option("--loss", help="Loss, such as joint, triplet or arcface.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as train.model_options.attention=cbam."),
]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 2 with one line on bad input, 130 when interrupted."""
    try:
        result = app(args=arguments, standalone_mode=False, prog_name="python -m pipelines")
    except typer.Exit as stop:
        result = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = 130
    except Exception as error:
        if "--traceback" in sys.argv or not _is_users(error):
            raise
        return _fail(error.format_message() if hasattr(error, "format_message") else str(error), 2)
    if result == 130:
        return _fail("interrupted; the same command goes on where this one stopped", 130)
    return result if isinstance(result, int) else 0


def _is_users(error: Exception) -> bool:
    """Whether an error is about the input or the machine rather than a defect of ours."""
    return isinstance(error, ValueError | TypeError | OSError | FloatingPointError) or hasattr(error, "format_message")


def _fail(message: str, status: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return status


def _config(preset: str, seed: int | None, changes: Sequence[str] = (), **named: str | None) -> Any:
    """Return a preset with the world's seed, named settings of `train` and ``KEY=VALUE`` changes put in."""
    from .config import PRESETS, changed

    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; use one of: {', '.join(PRESETS)}")
    wanted: list[str] = [f"train.{key}={value}" for key, value in named.items() if value is not None]
    if seed is not None:
        wanted.insert(0, f"world.seed={seed}")
    return changed(PRESETS[preset], [*wanted, *changes])


def _checked(config: Any) -> Any:
    """Return the configuration if its model, loss and options exist; loads Keras only if it names others."""
    from .config import TrainSettings

    usual, train = TrainSettings(), config.train
    if any(getattr(train, key) != getattr(usual, key) for key in ("model", "model_options", "loss", "loss_options")):
        from .train import check_names

        check_names(config)
    return config


def _progress(quiet: bool) -> Any:
    from .progress import Progress

    return Progress(quiet=quiet)


@app.callback()
def options(
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
) -> None:
    """Options that come before the verb."""


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
    config = _checked(_config(preset, seed, changes or (), model=model, loss=loss))
    folder = run or Path("runs") / preset
    progress = _progress(quiet)
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
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Train only; `evaluate --run` or `demo` goes on from there."""
    from .demo import Clock, train_stage
    from .runs import Run

    folder, progress = Run(run or Path("runs") / preset), _progress(quiet)
    if data is not None and head is None:
        raise ValueError("--data is for --head logistic; networks are trained on synthetic signatures only")
    if head is not None:
        _fit_head(folder, head, data, progress)
        return
    config = _checked(_config(preset, seed, changes or (), model=model, loss=loss))
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
def evaluate(
    run: RunOption,
    data: Annotated[Path | None, typer.Option(help="Your own folder, with a provenance.toml.")] = None,
    adapter: Annotated[str, typer.Option(help="How the folder is laid out.")] = "folders",
    out: Annotated[Path | None, typer.Option(help="Where the results go; inside the run if left out.")] = None,
    quiet: QuietOption = False,
) -> None:
    """Evaluate a run on its own test signers, or on your data."""
    progress = _progress(quiet)
    if data is None:
        from .demo import Clock, evaluate_stage
        from .runs import Run

        folder = Run(run)
        print_metrics(evaluate_stage(folder, folder.config(), progress, Clock(folder)), folder / "report.html")
        return
    from .own_data import evaluate_folder

    metrics, report = evaluate_folder(run, data, progress=progress, adapter=adapter, out=out)
    for line in metrics["warnings"][:20]:
        print(f"note: {line}")
    if len(metrics["warnings"]) > 20:
        print(f"note: and {len(metrics['warnings']) - 20} more, all in the report")
    print_metrics(metrics, report)


@app.command()
def preview(
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("runs/preview.png"),
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="Rows.")] = 12,
    profile: Annotated[str | None, typer.Option(help="One script profile only.")] = None,
    gallery: Annotated[Path | None, typer.Option(help="Regenerate the README's pictures into this folder.")] = None,
) -> None:
    """Draw a contact sheet: three genuine signatures and three forgeries per row."""
    from .gallery import save_png, signer_sheet, write_gallery

    if gallery is not None:
        for path in write_gallery(gallery):
            print(path)
        return
    print(save_png(out, signer_sheet(7 if seed is None else seed, signers=signers, profile=profile)))


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Empty folder to fill.")],
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="How many signers.")] = 20,
    genuine: Annotated[int, typer.Option(help="Genuine signatures of each.")] = 6,
    forged: Annotated[int, typer.Option(help="Forgeries of each.")] = 6,
    first: Annotated[int, typer.Option(help="Number of the first signer.")] = 0,
    dpi: Annotated[float, typer.Option(help="Resolution.")] = 300.0,
    capture: Annotated[str, typer.Option(help="clean, scan, bilevel or mixed.")] = "scan",
) -> None:
    """Write synthetic signers as PNG files, laid out as `evaluate --data` reads them."""
    from .gallery import export_folder

    with _progress(False).task(f"drawing {signers} signers", None):
        count = export_folder(
            out,
            seed=11 if seed is None else seed,
            signers=signers,
            genuine=genuine,
            forged=forged,
            first=first,
            dpi=dpi,
            capture=capture,
        )
    print(f"{count} images in {out}")


@app.command()
def speed(preset: Annotated[str, typer.Option(help="Whose batch and network.")] = "classroom") -> None:
    """Measure drawing and training here, as ratios within one run."""
    from .speed import speed as work

    _config(preset, None)
    _print_table("Speed", ("figure", "value"), [(k, f"{v:.2f}") for k, v in work(_progress(False), preset).items()])


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

    config = _config(preset, seed, changes or (), loss=loss)
    if steps is not None:
        epochs = config.train.epochs if steps % config.train.epochs == 0 else 1
        config = _config(
            preset,
            seed,
            [f"train.epochs={epochs}", f"train.steps_per_epoch={steps // epochs}", *(changes or ())],
            loss=loss,
        )
    progress = _progress(quiet)
    if not models:
        from .information import image_models

        models = ",".join(image_models())
    names = [name.strip() for name in models.split(",") if name.strip()]
    numbers = [int(word) for word in seeds.split(",") if word.strip()]
    rows = work(config, names, out, seeds=numbers, best=best, progress=progress)
    _print_table("Networks on equal images, skilled EER first", COLUMNS, [cells(row) for row in rows])
    print(f"table: {out / 'comparison.md'}, {out / 'comparison.csv'}")


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

        _print_table("Networks, images of 96 x 192", *model_costs(_progress(quiet)))
        return
    from .information import information

    for title, rows in information().items():
        _print_table(title, ("name", "value"), rows)


@provenance_app.command("init")
def provenance_init(
    directory: Path, force: Annotated[bool, typer.Option("--force", help="Replace the record.")] = False
) -> None:
    """Ask where a folder's signatures come from and write its provenance.toml."""
    from .adapters.provenance import QUESTIONS, parse_answer, write_provenance

    answers = {
        field: parse_answer(field, typer.prompt(question, default="", show_default=False))
        for field, question in QUESTIONS.items()
    }
    print(write_provenance(directory, force=force, **answers))


@provenance_app.command("check")
def provenance_check(directory: Path) -> None:
    """Check a folder's provenance.toml and print its digest."""
    from .adapters.provenance import load_provenance

    record = load_provenance(directory)
    print(f"{record.source}: in order; digest {record.digest}")


def _print_table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table()
    for i, name in enumerate(head):
        table.add_column(name, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(title, style="bold", markup=False)  # a title of the table itself would wrap at its width
    console.print(table)


def print_metrics(metrics: dict[str, Any], report: Path) -> None:
    """Print the closing tables of an evaluation and where its report is."""
    from .report import frozen_rows, reference_rows, skill_rows, summary_rows
    from .verifier import NOTICE

    signers = metrics["verifier"]["signers"]
    _print_table(
        f"EER on {signers} held-out signers, one reference (95 % interval over signers)",
        ("method", "random forgeries", "skilled forgeries"),
        summary_rows(metrics),
    )
    _print_table(
        f"At the threshold frozen on {metrics['development']['signers']} development signers",
        ("rate", "value"),
        frozen_rows(metrics),
    )
    if metrics.get("skills"):
        _print_table("By forger skill", ("skill", "EER", "FAR, frozen threshold"), skill_rows(metrics))
    if metrics.get("references"):
        _print_table(
            "By references",
            ("references", "fusion", "EER random", "EER skilled", "FRR frozen", "FAR skilled frozen"),
            reference_rows(metrics),
        )
    if cost := metrics.get("cost"):
        rows = [(name, f"{seconds:.0f} s") for name, seconds in cost["seconds"].items()]
        rows += [("peak memory", f"{cost['peak_memory_mb']} MB"), ("disk", f"{cost['disk_mb']} MB")]
        _print_table("Cost", ("what", "value"), rows)
    print(f"{NOTICE}\nreport: {report}")
