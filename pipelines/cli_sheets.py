"""Verbs about scanned sheets: sheet extract, and sheet class from pages to a classifier."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, SeedOption, make_progress, sheet_app


@sheet_app.command("extract")
def sheet_extract(
    pages: Annotated[list[Path], typer.Argument(help="Scans or photos: files or folders; PNG, JPEG, TIFF, BMP, PDF.")],
    out: Annotated[Path, typer.Option(help="Folder for <identifier>/<n>.png.")],
    form: Annotated[
        Path | None, typer.Option(help="The folder that `sheet make` wrote; needed unless the pages lie in it.")
    ] = None,
    identifiers: Annotated[
        Path | None, typer.Option(help="Instead of --form: CSV with a column identifier, in the order of the rows.")
    ] = None,
    ruled: Annotated[
        bool, typer.Option("--ruled", help="Sheets not made by `sheet make`: boxes from printed lines.")
    ] = False,
    per_signer: Annotated[int, typer.Option(help="With --identifiers: boxes of each person.")] = 4,
    rows: Annotated[int, typer.Option(help="With --identifiers, our own sheets: people on a page.")] = 12,
    skip_rows: Annotated[int, typer.Option(help="With --ruled: rows of boxes at the top that are headings.")] = 0,
    page: Annotated[
        str | None, typer.Option(metavar="WxH", help="Bring every page to this size, such as 888x1212.")
    ] = None,
    scale: Annotated[float, typer.Option(help="Applied after that, 0.05 to 4.")] = 1.0,
    dpi: Annotated[int, typer.Option(help="At which PDF pages are drawn.")] = 200,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace another extraction.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Cut scanned or photographed sheets into one picture per box, named by whose it is."""
    from .extract import Options, extract_sheets

    options = Options(ruled, per_signer, rows, skip_rows, _size(page), scale, dpi)
    record = extract_sheets(
        pages,
        out,
        form=form,
        identifiers=identifiers,
        options=options,
        fresh=fresh,
        progress=make_progress(quiet),
    )
    for note in record["notes"][:20]:
        print(f"note: {note}")
    print(
        f"{record['pages']} pages, {record['boxes']} boxes: {record['written']} signatures in {out}, "
        f"{record['empty']} boxes empty; least confidence {record['least_confidence']:.2f}"
    )
    if record["synthetic"]:
        print(f"every page says that it is synthetic, and so does {out / 'provenance.toml'}")
    else:
        print(f"taken for real signatures: answer every TODO in {out / 'provenance.toml'} before anything reads them")


@sheet_app.command("class")
def sheet_class(
    run: Annotated[Path, typer.Option(help="Run folder; RUN_sheets and RUN_data are made beside it.")],
    pages: Annotated[
        list[Path] | None, typer.Argument(help="Scans or photos of signed forms; left out, a class is drawn.")
    ] = None,
    form: Annotated[Path | None, typer.Option(help="With pages: the folder that `sheet make` wrote.")] = None,
    seed: SeedOption = None,
    signers: Annotated[int, typer.Option(help="Of a drawn class: how many people.")] = 184,
    per_signer: Annotated[int, typer.Option(help="Of a drawn class: signatures of each, 2 to 6.")] = 4,
    capture: Annotated[str, typer.Option(help="Of a drawn class: print, scan or photo.")] = "photo",
    preset: Annotated[str, typer.Option(help="smoke, classroom or study.")] = "classroom",
    start: Annotated[
        Path | None, typer.Option("--from", help="Use the network of this run instead of training one.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Go from attendance sheets over their signatures to a classifier with precision, recall and F1."""
    from .cli_classify import train_classifier
    from .extract import extract_sheets
    from .sheets import make_sheets

    progress, sheets, cut = make_progress(quiet), run.with_name(run.name + "_sheets"), run.with_name(run.name + "_data")
    if not pages:
        layout = {"columns": per_signer}
        seed = 11 if seed is None else seed
        make_sheets(sheets, seed=seed, signers=signers, capture=capture, layout=layout, fresh=fresh, progress=progress)
    record = extract_sheets(pages or [sheets], cut, form=form, fresh=fresh, progress=progress)
    print(f"{record['pages']} pages, {record['boxes']} boxes: {record['written']} signatures in {cut}")
    train_classifier(
        run,
        preset=preset,
        progress=progress,
        fresh=fresh,
        seed=None,
        model=None,
        start=start,
        data=cut,
        adapter="folders",
        folds=None,
        signers=None,
        acts=None,
    )


def _size(text: str | None) -> tuple[int, int] | None:
    """Return the two numbers of ``WIDTHxHEIGHT``."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise ValueError(f"--page is {text!r}; write width x height in pixels, such as 888x1212")
    return int(parts[0]), int(parts[1])
