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
sheet_app = typer.Typer(help="Sheets of signatures: make them.", no_args_is_help=True)
app.add_typer(sheet_app, name="sheet")

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
    from .config import PRESETS, changed, with_model

    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; use one of: {', '.join(PRESETS)}")
    wanted: list[str] = [f"train.{key}={value}" for key, value in named.items() if value is not None]
    if seed is not None:
        wanted.insert(0, f"world.seed={seed}")
    base = PRESETS[preset] if named.get("model") is None else with_model(PRESETS[preset], str(named["model"]))
    return changed(base, [*wanted, *changes])


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
    out: Annotated[Path, typer.Option(help="Folder to fill, or to go on with.")],
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="How many signers.")] = 20,
    genuine: Annotated[int, typer.Option(help="Genuine signatures of each.")] = 6,
    forged: Annotated[int, typer.Option(help="Forgeries of each.")] = 6,
    kind: Annotated[list[str] | None, typer.Option(help="Kind of forgery, repeatable: freehand, simple, ...")] = None,
    skill: Annotated[str, typer.Option(help="Skill of practised forgers, LOW:HIGH or one number.")] = "0.5:0.95",
    first: Annotated[int, typer.Option(help="Number of the first signer.")] = 0,
    world: Annotated[str, typer.Option(help="default, or a preset or script profile alone.")] = "default",
    capture: Annotated[str, typer.Option(help="clean, scan, bilevel, jpeg, photo, fax or mixed.")] = "scan",
    dpi: Annotated[float | None, typer.Option(help="Resolution of true-size images; 300 if left out.")] = None,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH that each signature fills, instead of --dpi.")] = None,
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help="Repeatable: folders, manifest, npz, trajectories, svc2004, inkml."),
    ] = None,
    npz_size: Annotated[str, typer.Option(help="HEIGHTxWIDTH in the sigver-style archive.")] = "170x242",
    workers: Annotated[int | None, typer.Option(help="Threads; all cores if left out.")] = None,
    shard: Annotated[str, typer.Option(help="I/N: every N-th part from the I-th; finish without --shard.")] = "1/1",
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Write synthetic signers as a data set, as `evaluate --data` reads it; goes on where it was interrupted."""
    import os

    from .export import export as work
    from .export_plan import ExportSpec, parse_pair

    spec = ExportSpec(
        seed=11 if seed is None else seed,
        signers=signers,
        genuine=genuine,
        forged=forged,
        kinds=_listed(kind, "freehand"),
        skill=parse_pair(skill, ":", "--skill", float),
        first=first,
        world=world,
        capture=capture,
        dpi=300.0 if dpi is None and size is None else dpi,
        size=None if size is None else parse_pair(size, "x", "--size"),
        formats=_listed(form, "folders,manifest"),
        npz_size=parse_pair(npz_size, "x", "--npz-size"),
    )
    count = os.cpu_count() or 1 if workers is None else workers
    part = parse_pair(shard, "/", "--shard")
    done = work(out, spec, workers=count, shard=part, fresh=fresh, progress=_progress(quiet))
    drawn = "all there already" if done.drawn == 0 else f"{done.drawn:,} drawn now"
    print(f"{done.signatures:,} signatures in {out} ({drawn})")
    if not done.whole:
        print(f"shard {shard} is done; when all are, the same command without --shard writes the tables")


def _listed(values: list[str] | None, default: str) -> tuple[str, ...]:
    """Return the words of a repeatable option, which may also be given with commas, each once."""
    words = [word.strip() for value in (values or [default]) for word in value.split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


@app.command()
def realism(
    world: Annotated[str, typer.Option(help="A named world, such as default or svc_like.")] = "default",
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="How many signers are drawn.")] = 200,
    acts: Annotated[int, typer.Option(help="Genuine acts of each, and forgeries of each kind.")] = 4,
    first: Annotated[int, typer.Option(help="Number of the first signer.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the page; runs/realism_WORLD if left out.")] = None,
    data: Annotated[Path | None, typer.Option(help="Your own folder, with a provenance.toml.")] = None,
    adapter: Annotated[str, typer.Option(help="How the folder is laid out.")] = "folders",
    quiet: QuietOption = False,
) -> None:
    """Compare a world with what real signatures measure, and with your own folder, on this machine."""
    from .realism_page import HEAD, cells, nuisance_rows
    from .realism_page import realism as work

    found, path = work(
        out or Path("runs") / f"realism_{world}",
        world=world,
        seed=7 if seed is None else seed,
        signers=signers,
        acts=acts,
        first=first,
        data=data,
        adapter=adapter,
        progress=_progress(quiet),
    )
    for group in dict.fromkeys(row.group for row in found.rows):
        _print_table(group, HEAD, [cells(row) for row in found.rows if row.group == group])
    _print_table(
        "Warping distance, one reference", ("forgery", "AUC"), [(k, f"{v:.3f}") for k, v in found.warping.items()]
    )
    blind = [(kind, f"{b.area:.3f} +- {b.error:.3f}") for kind, b in found.blind.items()]
    _print_table("One image without a reference", ("forgery", "AUC"), blind)
    probe_head = ("image", "statistic", "one image", "difference in a pair")
    _print_table("Nuisance probes, AUC of forged against genuine", probe_head, nuisance_rows(found))
    inside, total = found.counts
    print(f"{inside} of {total} medians with a measured band lie inside its middle half\npage: {path}")


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


@sheet_app.command("make")
def sheet_make(
    out: Annotated[Path, typer.Option(help="Folder for the pages and sheets.json, their ground truth.")],
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="How many people; a row each.")] = 184,
    per_signer: Annotated[int, typer.Option(help="Signatures of each, 1 to 6.")] = 4,
    first: Annotated[int, typer.Option(help="Number of the first signer.")] = 0,
    rows: Annotated[int, typer.Option(help="People on a page, 1 to 16.")] = 12,
    dpi: Annotated[int, typer.Option(help="Of the page, 150 to 300.")] = 200,
    capture: Annotated[str, typer.Option(help="print, scan or photo.")] = "scan",
    absent: Annotated[float, typer.Option(help="Share of boxes left empty.")] = 0.0,
    proxies: Annotated[float, typer.Option(help="Share of boxes signed by somebody else of the class.")] = 0.0,
    world: Annotated[str, typer.Option(help="default, or a preset or script profile alone.")] = "default",
    form: Annotated[str, typer.Option("--format", help="png or pdf.")] = "png",
    blank: Annotated[bool, typer.Option("--blank", help="Empty forms to print, for real use.")] = False,
    identifiers: Annotated[
        Path | None, typer.Option(help="CSV for --blank, with columns identifier and, if you like, name.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Make attendance sheets: signed by synthetic signers with ground truth, or blank ones to print."""
    from .sheets import make_blank_sheets, make_sheets

    if blank != (identifiers is not None):
        raise ValueError("--blank and --identifiers FILE.csv belong together; give both or neither")
    layout = {"dpi": dpi, "rows": rows, "columns": per_signer}
    progress = _progress(quiet)
    if identifiers is not None:
        pages = make_blank_sheets(out, identifiers, layout=layout, form=form, fresh=fresh, progress=progress)
    else:
        pages = make_sheets(
            out,
            seed=11 if seed is None else seed,
            signers=signers,
            first=first,
            world=world,
            capture=capture,
            absent=absent,
            proxies=proxies,
            layout=layout,
            form=form,
            fresh=fresh,
            progress=progress,
        )
    print(f"{pages} pages in {out}; {out / 'sheets.json'} says what is where")


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
