"""The published layouts of the field's data sets. None of the data is here: bring the set under its own licence.

To add a layout, copy a class: a name, a regular expression on the casefolded path, and what its groups mean.
"""

import re
from typing import ClassVar

from .contract import Kind, Takes, register_adapter
from .patterns import Label, PatternAdapter

_KINDS: dict[str, Kind] = {"g": "genuine", "v": "genuine", "c": "genuine", "f": "skilled", "cf": "skilled"}


def _misfiled(folder: str | None, named: str) -> str:
    """Return why a file is left out whose folder and name disagree about the signer, or an empty string."""
    if folder is None or int(folder) == int(named):
        return ""
    return f"the folder says signer {folder}, the name says {named}"


@register_adapter("cedar")
class Cedar(PatternAdapter):
    """CEDAR: ``full_org/original_<signer>_<n>.png`` and ``full_forg/forgeries_<signer>_<n>.png``.

    In circulating copies the scans of forgeries are lighter than those of genuine signatures.
    """

    _path = re.compile(r"(?:^|/)full_(org|forg)/(original|forgeries)_(\d+)_\d+\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says."""
        if (match := self._path.search(path)) is None:
            return None
        folder, word, signer = match.groups()
        if (folder == "org") != (word == "original"):
            return f"lies in full_{folder} and is named {word}"
        return Label(signer, "genuine" if folder == "org" else "skilled")


@register_adapter("bhsig260")
class BHSig260(PatternAdapter):
    """BHSig260: ``<001..>/B-S-<signer>-{G,F}-<n>.tif``, B for Bengali and H for Hindi; both may lie side by side.

    In circulating copies many files are pixel for pixel copies of another.
    """

    _path = re.compile(r"(?:(?:^|/)(\d+)/)?([bh])-s-(\d+)-([gf])-\d+\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says; signers are called B-1, H-1, ..."""
        if (match := self._path.search(path)) is None:
            return None
        folder, script, signer, kind = match.groups()
        return _misfiled(folder, signer) or Label(f"{script.upper()}-{signer}", _KINDS[kind])


@register_adapter("mcyt75")
class Mcyt75(PatternAdapter):
    """MCYT-75: ``<NNNN>/<NNNN>v<n>.bmp`` genuine and ``<NNNN>/<NNNN>f<n>.bmp`` forged."""

    _path = re.compile(r"(?:(?:^|/)(\d{4})/)?[^/]*?(\d{4})([vf])[^/]*\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says."""
        if (match := self._path.search(path)) is None:
            return None
        folder, signer, kind = match.groups()
        return _misfiled(folder, signer) or Label(signer, _KINDS[kind])


@register_adapter("gpds")
class Gpds(PatternAdapter):
    """GPDS-300, GPDS-960 and GPDSsynthetic: ``<NNN>/c-<NNN>-<n>.*`` genuine, ``<NNN>/cf-<NNN>-<n>.*`` forged."""

    _path = re.compile(r"(?:(?:^|/)(\d+)/)?(cf?)-(\d+)-\d+\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says."""
        if (match := self._path.search(path)) is None:
            return None
        folder, kind, signer = match.groups()
        return _misfiled(folder, signer) or Label(signer, _KINDS[kind])


@register_adapter("utsig")
class UTSig(PatternAdapter):
    """UTSig: ``Genuine/<s>/<n>.tif``, ``Forgery/{Skilled,Simple}/<s>/<n>.tif``, or ``UTS_<s>[_Skilled]_<n>.tif``.

    What a signer wrote with the other hand is neither genuine nor a forgery, and is left out.
    """

    _folders = re.compile(r"(?:^|/)(genuine|forgery/skilled|forgery/simple|.*opposite[ _-]?hand)/(\d+)/[^/]+\.\w+$")
    _flat = re.compile(r"(?:^|/)uts_(\d+)(?:_(skilled|simple|opposite\w*?))?_\d+\.\w+$")
    _kinds: ClassVar[dict[str, Kind]] = {"genuine": "genuine", "skilled": "skilled", "simple": "simple"}

    def label(self, path: str) -> Label | str | None:
        """Return what a path says."""
        if match := self._folders.search(path):
            kind, signer = match[1].rsplit("/", 1)[-1], match[2]
        elif match := self._flat.search(path):
            signer, kind = match[1], match[2] or "genuine"
        else:
            return None
        if kind not in self._kinds:
            return "signed with the other hand: neither genuine nor a forgery"
        return Label(signer, self._kinds[kind])


@register_adapter("sigcomp2009")
class SigComp2009(PatternAdapter):
    """SigComp 2009: ``NFI-XXXYYZZZ.*`` and ``NISDCC-<signer>_<owner>_<n>_6g.*``; genuine if signer and owner agree."""

    _path = re.compile(r"(?:^|/)(?:nfi-(\d{3})\d{2}(\d{3})|nisdcc-(\d+)_(\d+)_\d+(?:_\w+)?)\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says; the claimed signer is the owner, and whoever else signed it is the forger."""
        if (match := self._path.search(path)) is None:
            return None
        part = "NFI" if match[1] else "NISDCC"
        hand, owner = (match[1], match[2]) if match[1] else (match[3], match[4])
        if int(hand) == int(owner):
            return Label(f"{part}-{owner}", "genuine")
        return Label(f"{part}-{owner}", "skilled", f"{part}-{hand}")


@register_adapter("sigcomp2011")
class SigComp2011(PatternAdapter):
    """SigComp 2011: genuine ``<sss>_<n>.*``, forged ``<ffff><sss>_<n>.*``, in Dutch and Chinese folders."""

    _path = re.compile(r"(?:^|/)(\d{4})?(\d{3})_\d+\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says; numbers are those of people within one script only."""
        match = self._path.search(path)
        if match is None or "_forg/" in path:  # the folder pairs made from this set have an adapter of their own
            return None
        script = next((f"{word}-" for word in ("dutch", "chinese") if f"{word}" in path.rsplit("/", 1)[0]), "")
        forger, signer = match.groups()
        said = re.search(r"(?:^|/)[^/]*(genuine|forg)[^/]*/", path)
        if said and (said[1] == "forg") != (forger is not None):
            return "the folder and the name disagree about whether it is forged"
        return Label(f"{script}{signer}", "skilled" if forger else "genuine", f"{script}{forger}" if forger else "")


@register_adapter("folder_pairs")
class FolderPairs(PatternAdapter):
    """Folder pairs ``<sss>/`` genuine and ``<sss>_forg/`` forged, as circulating copies of SigComp 2011 have them.

    Names come in two orders (``<sss>_<n>`` and ``<n>_<sss>``, ``<ffff><sss>_<n>`` and ``<n>_<ffff><sss>``); a file
    whose name contradicts its folder is left out. In the copies known, ``test/`` repeats ``train/`` byte for byte.
    """

    tell_tale: ClassVar[str] = "_forg/"
    _path = re.compile(r"(?:^|/)(\d+)(_forg)?/([^/]+)\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says; the part (train, test) is not told apart."""
        if (match := self._path.search(path)) is None:
            return None
        signer, forged, name = match.groups()
        numbers = name.split("_") if re.fullmatch(r"\d+_\d+", name) else []
        long = [number for number in numbers if len(number) == 4 + len(signer)]
        if long and not forged:
            return "a genuine folder, and the name of a forgery"
        if long and long[0][4:] != signer:
            return f"the folder says signer {signer}, the name says {long[0][4:]}"
        alike = [number for number in numbers if len(number) == len(signer)]
        if alike and not long and signer not in alike:
            return f"the folder says signer {signer}, the name says {' or '.join(alike)}"
        return Label(signer, "skilled" if forged else "genuine", long[0][:4] if long else "")


@register_adapter("puc_pr")
class PucPr(PatternAdapter):
    """Brazilian PUC-PR: ``a<sss>_<n>.*``, of which 1 to 40 are genuine, 41 to 50 simple and 51 to 60 skilled."""

    _path = re.compile(r"(?:^|/)a(\d{3})_(\d+)\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says."""
        if (match := self._path.search(path)) is None:
            return None
        signer, n = match[1], int(match[2])
        if not 1 <= n <= 60:
            return f"number {n}; the set has 1 to 60"
        return Label(signer, "genuine" if n <= 40 else "simple" if n <= 50 else "skilled")


@register_adapter("svc2004")
class Svc2004(PatternAdapter):
    """SVC2004 tasks 1 and 2, pen movements: ``U<signer>S<n>.TXT``, 1 to 20 genuine, 21 to 40 skilled.

    The tasks have signers of their own; if the files lie in folders Task1 and Task2 both can be read at once.
    """

    takes: ClassVar[Takes] = "trajectory"
    _path = re.compile(r"(?:(?:^|/)[^/]*task[ _-]?([12])[^/]*/(?:.*/)?|^|/)u(\d+)s(\d+)\.\w+$")

    def label(self, path: str) -> Label | str | None:
        """Return what a path says; signers are called U1, or T2-U1 in a folder of task 2."""
        if (match := self._path.search(path)) is None:
            return None
        task, signer, n = match[1], match[2], int(match[3])
        if not 1 <= n <= 40:
            return f"number {n}; the set has 1 to 40"
        return Label(f"T{task}-U{signer}" if task else f"U{signer}", "genuine" if n <= 20 else "skilled")
