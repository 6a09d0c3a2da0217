"""The slot: the only door through which data from outside come in.

records = load_signatures(open_adapter("folders", directory), load_provenance(directory))

Every file of this folder is imported, so that a new layout is one file with one ``@register_adapter`` line in it.
"""

import importlib
import pkgutil

from .archives import NpzAdapter
from .contract import (
    KINDS,
    Adapter,
    AdapterError,
    Kind,
    SignatureFile,
    Unexpected,
    adapter_names,
    check_adapter,
    open_adapter,
    register_adapter,
)
from .folders import FolderAdapter
from .hints import likely_adapter, open_layout
from .loading import Duplicate, LoadedSet, Skipped, load_signatures
from .manifest import ManifestAdapter
from .patterns import Label, PatternAdapter
from .provenance import (
    PURPOSE_KINDS,
    QUESTIONS,
    MissingProvenance,
    Provenance,
    ProvenanceError,
    load_digest,
    load_provenance,
    make_provenance,
    parse_answer,
    write_provenance,
)
from .published import Svc2004
from .purposes import USES, Use, allowed_uses
from .refined import RefinedAdapter
from .sigver import SigverAdapter

__all__ = [
    "KINDS",
    "PURPOSE_KINDS",
    "QUESTIONS",
    "USES",
    "Adapter",
    "AdapterError",
    "Duplicate",
    "FolderAdapter",
    "Kind",
    "Label",
    "LoadedSet",
    "ManifestAdapter",
    "MissingProvenance",
    "NpzAdapter",
    "PatternAdapter",
    "Provenance",
    "ProvenanceError",
    "RefinedAdapter",
    "SignatureFile",
    "SigverAdapter",
    "Skipped",
    "Svc2004",
    "Unexpected",
    "Use",
    "adapter_names",
    "allowed_uses",
    "check_adapter",
    "likely_adapter",
    "load_digest",
    "load_provenance",
    "load_signatures",
    "make_provenance",
    "open_adapter",
    "open_layout",
    "parse_answer",
    "register_adapter",
    "write_provenance",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
