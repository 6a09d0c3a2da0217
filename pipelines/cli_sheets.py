"""Verbs about scanned sheets: sheet extract."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, make_progress, sheet_app


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


def _size(text: str | None) -> tuple[int, int] | None:
    """Return the two numbers of ``WIDTHxHEIGHT``."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise ValueError(f"--page is {text!r}; write width x height in pixels, such as 888x1212")
    return int(parts[0]), int(parts[1])
