"""The slot: the only door through which data from outside come in.

records = load_signatures(open_adapter("folders", directory), load_provenance(directory))
"""

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
from .loading import Duplicate, LoadedSet, Skipped, load_signatures
from .people import PeopleAdapter
from .provenance import (
    PURPOSE_KINDS,
    QUESTIONS,
    MissingProvenance,
    Provenance,
    ProvenanceError,
    load_provenance,
    make_provenance,
    parse_answer,
    write_provenance,
)

__all__ = [
    "KINDS",
    "PURPOSE_KINDS",
    "QUESTIONS",
    "Adapter",
    "AdapterError",
    "Duplicate",
    "FolderAdapter",
    "Kind",
    "LoadedSet",
    "MissingProvenance",
    "PeopleAdapter",
    "Provenance",
    "ProvenanceError",
    "SignatureFile",
    "Skipped",
    "Unexpected",
    "adapter_names",
    "check_adapter",
    "load_provenance",
    "load_signatures",
    "make_provenance",
    "open_adapter",
    "parse_answer",
    "register_adapter",
    "write_provenance",
]
