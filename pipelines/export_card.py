"""What a set says about itself: data card for people, Croissant for machines, provenance for `evaluate --data`."""

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from .adapters import write_provenance
from .export_forms import NOTICE
from .export_plan import ExportSpec
from .files import write_json, write_text

LICENCE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"
_TYPES = {"string": "sc:Text", "int64": "sc:Integer", "int32": "sc:Integer", "double": "sc:Float", "bool": "sc:Boolean"}
_COLUMNS = {
    "path": "Image, relative to the folder; empty if no images were asked for.",
    "signer": "Number of the signer whose signature it is or claims to be.",
    "label": "genuine, simple (a forger who knows the name only) or skilled.",
    "kind": "genuine, or the kind of forgery.",
    "forger": "Number of the signer who forged it; empty if genuine.",
    "skill": "Skill of a practised forger, from 0 to 1.",
    "act": "The signer's act, or the forger's try at this signer.",
    "profile": "Script profile of the signer.",
    "text": "Invented pseudo-name; nobody's.",
    "world_seed": "Seed of the world: with it, signer and act draw the signature again.",
    "capture": "How paper became pixels.",
    "dpi": "Resolution; empty if the signature fills a canvas.",
    "height": "Of the image, in px.",
    "width": "Of the image, in px.",
    "samples": "Rows of the trajectory.",
    "duration_ms": "Of the movement, in ms.",
    "pixels_sha256": "SHA-256 of the uint8 pixels, row after row.",
    "trajectory_sha256": "SHA-256 of the rows of x um, y um, t ms and pressure of 65535, little-endian int32.",
    "trajectory": "Archive that holds the trajectory.",
    "trajectory_row": "Its place there.",
    "svc2004": "Its SVC2004 text.",
    "inkml": "Its InkML document.",
    "synthetic": "Always true.",
}
_TERMS = {
    "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip


def _title(spec: ExportSpec) -> str:
    return f"Paraph synthetic signatures, world {spec.seed}, signers {spec.first} to {spec.first + spec.signers - 1}"


def command(spec: ExportSpec) -> str:
    """Return the command that draws the set again."""
    size = f"--dpi {spec.dpi:g}" if spec.size is None else f"--size {spec.size[0]}x{spec.size[1]}"
    parts = [f"python -m pipelines export --out DIR --seed {spec.seed} --first {spec.first} --signers {spec.signers}"]
    parts += [f"--genuine {spec.genuine} --forged {spec.forged}", f"--kind {','.join(spec.kinds)}"]
    parts += [f"--skill {spec.skill[0]:g}:{spec.skill[1]:g} --world {spec.world} --capture {spec.capture} {size}"]
    parts += [f"--format {','.join(spec.formats)} --npz-size {spec.npz_size[0]}x{spec.npz_size[1]}"]
    return " ".join(parts)


def write_card(folder: Path, spec: ExportSpec) -> dict[str, Any]:
    """Write `DATA_CARD.md` from the finished manifest; return its counts."""
    labels: Counter[str] = Counter()
    profiles: Counter[str] = Counter()
    durations, heights, widths = [], [], []
    columns = ["kind", "profile", "duration_ms", "height", "width"]
    for batch in pq.ParquetFile(folder / "manifest.parquet").iter_batches(columns=columns):
        labels.update(batch["kind"].to_pylist())
        profiles.update(batch["profile"].to_pylist())
        durations.append(batch["duration_ms"].to_numpy())
        heights.append(batch["height"].drop_null().to_numpy())
        widths.append(batch["width"].drop_null().to_numpy())
    counts = {"signatures": spec.total, "signers": spec.signers, "kinds": dict(labels), "profiles": dict(profiles)}
    seconds = np.percentile(np.concatenate(durations), (5, 50, 95)) / 1000.0
    tall, wide = np.concatenate(heights), np.concatenate(widths)
    images = "none" if not len(tall) else f"median {np.median(wide):.0f} x {np.median(tall):.0f} px (width x height)"
    counted = "\n".join(f"| {name} | {n:,} |" for name, n in (*labels.items(), *profiles.items()))
    write_text(folder / "DATA_CARD.md", _CARD.format(
        title=_title(spec), command=command(spec), counted=counted, images=images, capture=spec.capture,
        seconds=" / ".join(f"{s:.2f}" for s in seconds), notice=NOTICE, genuine=spec.genuine, forged=spec.forged,
        kinds=", ".join(spec.kinds), low=spec.skill[0], high=spec.skill[1],
        columns="\n".join(f"| `{name}` | {text} |" for name, text in _COLUMNS.items()),
    ))  # fmt: skip
    return counts


_CARD = """# {title}

**{notice}.** Every signature, signer, name and forger here was drawn by a program. Nobody signed anything.

Drawn again, pixel for pixel on the same platform and versions, by

    {command}

| what | signatures |
|---|---|
{counted}

Per signer {genuine} genuine signatures, each from a session of its own, and {forged} forgeries ({kinds}; skill of
practised ones spread from {low:g} to {high:g}) by two other signers. Images: {images}, capture `{capture}`.
Duration of the movement, 5th / 50th / 95th percentile: {seconds} s.

## What it is for
Trying out, teaching and pretraining signature verification; checking readers of data formats. Error rates measured
on it are about synthetic signers. They are no evidence about real people, and no claim about them should rest on it.

## What it is not
No picture of any population: scripts, hands and forgers follow a few hand-set distributions. No material to imitate
anybody: a forger here takes an invented signer, never an image. Random forgeries need no files: take another
signer's genuine signatures, and report them apart from skilled ones.

## Files
`<signer>/genuine`, `simple`, `forged` hold grey PNG images, dark ink on light paper; a text chunk says that they are
synthetic, and there is no EXIF. `forms/` holds, where asked for: `sigver.npz` (x, y, yforg, user_mapping, filenames;
bright ink on 0, prepared by the project's own preprocessing; loads without pickle), `trajectories/*.npz` (integers,
`start` says where each begins), `svc2004/UsSn.TXT` (10 ms rows, pen-down only, units of 0.01 mm, 1023 pressure levels,
no pen angles) and `inkml/` (W3C InkML, X Y in mm, T in ms, F of 65535;
`inkml.xsd` is the schema of the part of it used). Text cells of the CSV that a spreadsheet
would take for a formula begin with an apostrophe.

## Columns of the manifest
| column | meaning |
|---|---|
{columns}

## Licence
CC0-1.0, {licence_url}
""".replace("{licence_url}", LICENCE_URL)


def write_record(folder: Path, spec: ExportSpec) -> None:
    """Write `provenance.toml`, without which nothing in this project reads the images."""
    write_provenance(
        folder,
        force=True,
        source=f"{_title(spec)} (Paraph generator)",
        licence="CC0-1.0",
        lawful_basis="no person is involved: drawn by a generator",
        purpose="research and teaching: training and evaluation of a verifier",
        contact="whoever ran the export",
        contains_real_signatures=False,
        redistribution_allowed=True,
    )


def croissant(spec: ExportSpec, manifest_sha256: str, columns: dict[str, str], created: str) -> dict[str, Any]:
    """Return Croissant metadata: the manifest as records, the other files as sets.

    Args:
        spec: The set.
        manifest_sha256: Of `manifest.csv`.
        columns: Arrow type of each column, by name.
        created: Date on which the export was begun, such as 2026-12-31.

    Source:
        Croissant Format Specification 1.0, MLCommons.
    """
    table = {"@type": "cr:FileObject", "@id": "manifest.csv", "name": "manifest.csv", "contentUrl": "manifest.csv"}
    distribution = [table | {"encodingFormat": "text/csv", "sha256": manifest_sha256}]
    sets = (
        ("folders", "images", "image/png", "*/*/*.png"),
        ("npz", "sigver", "application/zip", "forms/sigver.npz"),
        ("trajectories", "trajectories", "application/zip", "forms/trajectories/*.npz"),
        ("svc2004", "svc2004", "text/plain", "forms/svc2004/U*.TXT"),
        ("inkml", "inkml", "application/inkml+xml", "forms/inkml/*/*/*.inkml"),
    )
    for form, name, encoding, pattern in sets:
        if form in spec.formats:
            head = {"@type": "cr:FileSet", "@id": name, "name": name}
            distribution.append(head | {"encodingFormat": encoding, "includes": pattern})
    fields = []
    for name, kind in columns.items():
        origin = {"fileObject": {"@id": "manifest.csv"}, "extract": {"column": name}}
        head = {"@type": "cr:Field", "@id": f"signatures/{name}", "name": name, "description": _COLUMNS[name]}
        fields.append(head | {"dataType": _TYPES[kind], "source": origin})
    return {
        "@context": {"@language": "en", "@vocab": "https://schema.org/", **_TERMS},
        "@type": "sc:Dataset",
        "name": _title(spec),
        "description": f"{NOTICE}. Handwritten signatures and forgeries of invented people, drawn by a program.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": LICENCE_URL,
        "url": f"urn:paraph:world:{spec.seed}",  # there is no address: the set lies where its owner drew it
        "datePublished": created,
        "citeAs": f"{_title(spec)}. Drawn by: {command(spec)}",
        "version": f"1.0.{spec.to_dict()['engine']}",
        "keywords": ["synthetic", "handwritten signatures", "signature verification"],
        "rai:dataCollection": f"Nothing was collected. Drawn by: {command(spec)}",
        "rai:personalSensitiveInformation": "None: signers, names and forgers are invented.",
        "rai:dataUseCases": "Teaching, testing and pretraining of verification; no evidence about real people.",
        "distribution": distribution,
        "recordSet": [{"@type": "cr:RecordSet", "@id": "signatures", "name": "signatures", "field": fields}],
    }


def write_croissant(folder: Path, spec: ExportSpec, manifest_sha256: str, created: str) -> None:
    """Write `croissant.json`, and check it with `mlcroissant` where that is installed.

    Args:
        folder: Where the finished manifest lies.
        spec: The set.
        manifest_sha256: Of `manifest.csv`.
        created: Date on which the export was begun.

    Raises:
        ValueError: If the metadata do not conform.
    """
    schema = pq.read_schema(folder / "manifest.parquet")
    metadata = croissant(spec, manifest_sha256, {field.name: str(field.type) for field in schema}, created)
    if importlib.util.find_spec("mlcroissant") is not None:
        check_croissant(metadata)
    write_json(folder / "croissant.json", metadata)


def check_croissant(metadata: dict[str, Any]) -> list[str]:
    """Return what `mlcroissant` (extra `export`) would like to see besides; raise where it finds an error.

    Raises:
        ValueError: If the metadata do not conform to the Croissant format.
    """
    import mlcroissant

    try:
        dataset = mlcroissant.Dataset(jsonld=metadata)
    except mlcroissant.ValidationError as error:
        raise ValueError(f"the Croissant metadata do not conform: {error}") from error
    return sorted(dataset.metadata.ctx.issues.warnings)
