"""What every verb of the command line shares: the application, common options, configuration, tables."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .config import RunConfig
    from .progress import Progress

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
sheet_app = typer.Typer(help="Sheets of signatures: make them, cut scanned ones up.", no_args_is_help=True)
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


def preset_config(preset: str, seed: int | None, changes: Sequence[str] = (), **named: str | None) -> "RunConfig":
    """Return a preset with the world's seed, named settings of `train` and ``KEY=VALUE`` changes put in."""
    from .config import PRESETS, changed, with_model

    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; use one of: {', '.join(PRESETS)}")
    wanted: list[str] = [f"train.{key}={value}" for key, value in named.items() if value is not None]
    if seed is not None:
        wanted.insert(0, f"world.seed={seed}")
    base = PRESETS[preset] if named.get("model") is None else with_model(PRESETS[preset], str(named["model"]))
    return changed(base, [*wanted, *changes])


def checked(config: "RunConfig") -> "RunConfig":
    """Return the configuration if its model, loss and options exist; loads Keras only if they are not its preset's."""
    from .config import PRESETS
    from .settings import InputSettings, TrainSettings

    train = config.train
    usual = PRESETS[config.preset].train if config.preset in PRESETS else TrainSettings()
    names = ("model", "model_options", "loss", "loss_options", "class_weights")
    if config.inputs != InputSettings() or any(getattr(train, key) != getattr(usual, key) for key in names):
        from .building import check_names

        check_names(config)
    return config


def make_progress(quiet: bool) -> "Progress":
    """Return what shows progress on the terminal, or nothing if `quiet`."""
    from .progress import Progress

    return Progress(quiet=quiet)


def listed(values: list[str] | None, default: str) -> tuple[str, ...]:
    """Return the words of a repeatable option, which may also be given with commas, each once."""
    words = [word.strip() for value in (values or [default]) for word in value.split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def print_table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of text under a title, square brackets as they are; columns after the first are aligned right."""
    table = Table()
    for i, name in enumerate(head):
        table.add_column(Text(name), justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(title, style="bold", markup=False)  # a title of the table itself would wrap at its width
    console.print(table)
