"""Verbs that show what happens to an image before a network sees it: steps, augmented."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import SeedOption, app, print_table

CaptureOption = Annotated[str, typer.Option(help="Of the drawn signature: clean, scan, bilevel, jpeg, photo, fax.")]
PaperOption = Annotated[str, typer.Option(help="Of the drawn signature: blank, ruled, boxed, stamped, thin.")]


@app.command()
def steps(
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("runs/steps.png"),
    recipe: Annotated[str, typer.Option(help="default, signet_canvas, photo or bilevel.")] = "default",
    image: Annotated[
        Path | None, typer.Option(help="Your own image; provenance.toml lies beside it or above. Else one is drawn.")
    ] = None,
    capture: CaptureOption = "photo",
    paper: PaperOption = "ruled",
    dpi: Annotated[float, typer.Option(help="Of the drawn signature.")] = 300.0,
    seed: SeedOption = None,
    height: Annotated[int, typer.Option(help="Of the canvas, in px.")] = 96,
    width: Annotated[int, typer.Option(help="Of the canvas, in px.")] = 192,
) -> None:
    """Show every step of preprocessing on one image, as a sheet."""
    from .export_forms import NOTICE
    from .gallery import save_png
    from .recipes import find_recipe
    from .trace import trace, trace_sheet

    for name, size in (("--height", height), ("--width", width)):
        if size < 8:
            raise ValueError(f"{name} is {size}; use 8 or more")
    find_recipe(recipe)  # an unknown name is said before anything is drawn
    if image is None:
        from synth import World, render

        source, picture = (
            NOTICE,
            render(World(7 if seed is None else seed)[0].genuine(0), dpi=dpi, capture=capture, paper=paper),
        )
    else:
        from .images import read_image
        from .own_data import provenance_of_file

        source, picture = f"made from {image.name}, {provenance_of_file(image).source}", read_image(image)
    stages = trace(picture, height=height, width=width, recipe=recipe)
    print(save_png(out, trace_sheet(stages), source=source))


@app.command()
def augmented(
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("runs/augmented.png"),
    recipe: Annotated[str, typer.Option(help="light, standard, strong, marks or photo.")] = "standard",
    capture: CaptureOption = "scan",
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="How many, three rows each.")] = 3,
    cost: Annotated[bool, typer.Option("--cost", help="Measure images per second of one core instead.")] = False,
) -> None:
    """Show a training augmentation: pictures, their new look, canvases before and after; or measure what it costs."""
    from .augment_sheet import augment_cost, augment_sheet
    from .gallery import save_png

    if cost:
        print_table("Images per second of one core", ("recipe", "drawn", "augmentation alone"), augment_cost())
        return
    print(save_png(out, augment_sheet(recipe, seed=7 if seed is None else seed, signers=signers, capture=capture)))
