"""Verbs that draw synthetic signers: preview, export, realism, sheet make."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, SeedOption, app, listed, make_progress, print_table, sheet_app


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
    world: Annotated[
        str, typer.Option(help="A named world (default, many_scripts, broad, svc_like) or a script.")
    ] = "default",
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
        kinds=listed(kind, "freehand"),
        skill=parse_pair(skill, ":", "--skill", float),
        first=first,
        world=world,
        capture=capture,
        dpi=300.0 if dpi is None and size is None else dpi,
        size=None if size is None else parse_pair(size, "x", "--size"),
        formats=listed(form, "folders,manifest"),
        npz_size=parse_pair(npz_size, "x", "--npz-size"),
    )
    count = os.cpu_count() or 1 if workers is None else workers
    part = parse_pair(shard, "/", "--shard")
    done = work(out, spec, workers=count, shard=part, fresh=fresh, progress=make_progress(quiet))
    drawn = "all there already" if done.drawn == 0 else f"{done.drawn:,} drawn now"
    print(f"{done.signatures:,} signatures in {out} ({drawn})")
    if not done.whole:
        print(f"shard {shard} is done; when all are, the same command without --shard writes the tables")


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
    laws: Annotated[
        bool, typer.Option("--laws", help="Only distances: their order in every script, identity, density.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Compare a world with what real signatures measure, and with your own folder, on this machine."""
    if laws:
        from .realism_laws import tables

        for title, head, lines in tables(7 if seed is None else seed, signers=signers, progress=make_progress(quiet)):
            print_table(title, head, lines)
        return
    from .realism_page import HEAD, PROBE_HEAD, cells, nuisance_rows
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
        progress=make_progress(quiet),
    )
    for group in dict.fromkeys(row.group for row in found.rows):
        print_table(group, HEAD, [cells(row) for row in found.rows if row.group == group])
    print_table(
        "Warping distance, one reference", ("forgery", "AUC"), [(k, f"{v:.3f}") for k, v in found.warping.items()]
    )
    blind = [(kind, f"{b.area:.3f} +- {b.error:.3f}") for kind, b in found.blind.items()]
    print_table("One image without a reference", ("forgery", "AUC"), blind)
    print_table("Nuisance probes, AUC of forged against genuine", PROBE_HEAD, nuisance_rows(found))
    inside, total = found.counts
    print(f"{inside} of {total} medians with a measured band lie inside its middle half\npage: {path}")


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
    world: Annotated[
        str, typer.Option(help="A named world (default, many_scripts, broad, svc_like) or a script.")
    ] = "default",
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
    progress = make_progress(quiet)
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
    print(f"{pages} {'page' if pages == 1 else 'pages'} in {out}; {out / 'sheets.json'} says what is where")
