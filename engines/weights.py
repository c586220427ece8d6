"""The weights store: checkpoints that the user brings, checked once and kept in one folder.

Nothing is ever fetched by itself. ``engines/*/weights.toml`` say what can be used, under which licence and where it
comes from; importing a file proves that it loads strictly into its network, records size and sha256, and copies it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import platformdirs

from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError, WeightsMissing

_RECORD: Final = "record.json"
_CHUNK: Final = 4 << 20


@dataclass(frozen=True)
class Entry:
    """A checkpoint that an engine can use.

    Attributes
    ----------
    id, name : for commands and for people
    family : the engine's folder
    files : names under which its publishers hand it out
    parameters : numbers in its network, one for each variant; 0 where any size will do
    loader : ``package.module:function`` that loads it strictly from a path
    licence, source : shown before an import
    kind : tells networks of equal size apart
    sha256 : stated by the publisher, or empty
    """

    id: str
    name: str
    family: str
    files: tuple[str, ...]
    parameters: tuple[int, ...]
    loader: str
    licence: str
    source: str
    kind: str = ""
    sha256: str = ""

    @property
    def size_bytes(self) -> int:
        """What the network takes in float32; files often hold more."""
        return 4 * max(self.parameters)


@dataclass(frozen=True)
class Status:
    """What the store holds of an entry.

    Attributes
    ----------
    state : ``missing``, ``ready`` or ``damaged``
    path : the file, if it is there
    size_bytes, sha256 : of the file when it was imported
    problem : what is wrong, for ``damaged``
    """

    entry: Entry
    state: Literal["missing", "ready", "damaged"]
    path: Path | None = None
    size_bytes: int = 0
    sha256: str = ""
    problem: str = ""


def folder() -> Path:
    """Where the store is; ``SOLILOQUY_HOME`` moves it together with everything else of the user."""
    home = os.environ.get("SOLILOQUY_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("soliloquy", False))) / "weights"


@cache
def entries() -> dict[str, Entry]:
    """Every known checkpoint by id."""
    found: dict[str, Entry] = {}
    for manifest in sorted(Path(__file__).parent.glob("*/weights.toml")):
        for item in tomllib.loads(manifest.read_text(encoding="utf-8"))["weights"]:
            counts = item.pop("parameters")
            files = tuple(item.pop("files"))
            numbers = (counts,) if isinstance(counts, int) else tuple(counts)
            found[item["id"]] = Entry(family=manifest.parent.name, files=files, parameters=numbers, **item)
    return found


def entry(entry_id: str) -> Entry:
    """One checkpoint.

    Raises
    ------
    InputError
        If there is none of that name; the message lists them.
    """
    try:
        return entries()[entry_id]
    except KeyError:
        raise InputError(f"There are no weights '{entry_id}'. Choose one of: {', '.join(entries())}.") from None


def status(entry_id: str) -> Status:
    """What the store holds, by size only; see `verify`."""
    item = entry(entry_id)
    record = folder() / item.id / _RECORD
    try:
        stored = json.loads(record.read_text(encoding="utf-8"))
        path, size, sha256 = record.parent / stored["file"], int(stored["size_bytes"]), str(stored["sha256"])
    except FileNotFoundError:
        return Status(item, "missing")
    except (OSError, ValueError, KeyError, TypeError):
        return Status(item, "damaged", problem=f"its record {record} cannot be read")
    if not path.is_file():
        return Status(item, "damaged", problem=f"the file {path} is gone")
    if path.stat().st_size != size:
        problem = f"{path} has {path.stat().st_size} bytes, {size} were imported"
        return Status(item, "damaged", path, size, sha256, problem)
    return Status(item, "ready", path, size, sha256)


def statuses() -> list[Status]:
    """`status` of every entry."""
    return [status(entry_id) for entry_id in entries()]


def verify(entry_id: str, progress: Progress = no_progress, cancel: CancelToken | None = None) -> Status:
    """`status`, with the file's checksum computed anew."""
    found = status(entry_id)
    if found.state != "ready" or found.path is None:
        return found
    digest = _sha256(found.path, progress, cancel)
    if digest == found.sha256:
        return found
    problem = f"{found.path} has another sha256 ({digest[:16]}…) than when it was imported ({found.sha256[:16]}…)"
    return Status(found.entry, "damaged", found.path, found.size_bytes, found.sha256, problem)


def locate(entry_id: str) -> Path:
    """The file of an entry.

    Raises
    ------
    WeightsMissing
        If it was not imported or is damaged; the message says where it comes from and how to import it.
    """
    found = status(entry_id)
    if found.state == "ready" and found.path is not None:
        return found.path
    item = found.entry
    why = "are not in the weights store" if found.state == "missing" else f"are damaged: {found.problem}"
    raise WeightsMissing(
        f"The weights '{item.name}' {why}. Get {' or '.join(item.files)} from {item.source} "
        f"(licence: {item.licence}) and import it: soliloquy weights import FILE."
    )


def load(entry_id: str) -> Any:
    """The network of an entry, as its loader gives it.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `locate` and `engines.checkpoint`.
    """
    return _load(entry(entry_id).loader, locate(entry_id))


def import_path(
    path: Path, entry_id: str | None = None, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> list[Status]:
    """Check a checkpoint, or every known one in a folder, and copy it into the store.

    Parameters
    ----------
    entry_id : what the file is; default found out from its name and contents

    Raises
    ------
    WeightsMissing
        If it is not what it should be; the store is then unchanged.
    """
    if not path.is_dir():
        return [_import_file(path, entry_id, progress, cancel)]
    names = {name.lower() for item in entries().values() for name in item.files}
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and p.name.lower() in names]
    if not files:
        raise WeightsMissing(f"{path} holds no checkpoint of a known name ({', '.join(sorted(names))}).")
    done = []
    for i, file in enumerate(files):
        start = i

        def part(done_part: float, what: str, start: int = start) -> None:
            progress((start + done_part) / len(files), what)

        done.append(_import_file(file, entry_id, part, cancel))
    return done


def import_hub(
    repository: str,
    file: str,
    entry_id: str | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Status:
    """Fetch one file from the Hugging Face hub because the user asked for it, and import it.

    Parameters
    ----------
    repository : ``owner/name``
    file : its path there

    Raises
    ------
    WeightsMissing
        If it cannot be fetched, or is not what it should be.
    """
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise WeightsMissing(
            f"Fetching {repository} needs the package huggingface_hub. Install it, or download {file} in a browser and "
            "import the file."
        ) from None
    progress(0.0, f"Fetching {file} from {repository}")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            fetched = Path(hf_hub_download(repository, file, local_dir=scratch))
        except Exception as error:  # network, access and name errors come in many classes
            raise WeightsMissing(
                f"{file} could not be fetched from {repository}: {str(error).splitlines()[0]} Check the names and the "
                "connection, or download it in a browser and import the file."
            ) from error
        return _import_file(fetched, entry_id, progress, cancel)


def remove(entry_id: str) -> None:
    """Delete the store's copy of an entry."""
    shutil.rmtree(folder() / entry(entry_id).id, ignore_errors=True)


def identify(path: Path, entry_id: str | None = None) -> Entry:
    """Which entry a file is, proven by loading it strictly.

    Parameters
    ----------
    entry_id : what it should be

    Raises
    ------
    WeightsMissing
        If it is none, is another one than it should be, or could be several that only its name tells apart.
    """
    named = [e for e in entries().values() if path.name.lower() in map(str.lower, e.files)]
    candidates = [entry(entry_id)] if entry_id else named or list(entries().values())
    problems = []
    for loader in dict.fromkeys(e.loader for e in candidates):
        try:
            network = _load(loader, path)
        except WeightsMissing as error:
            problems.append(str(error))
            continue
        count = _parameters(network)
        kind = getattr(network, "kind", "")
        fitting = [
            e for e in candidates if e.loader == loader and {count, 0} & {*e.parameters} and e.kind in ("", kind)
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise WeightsMissing(
                f"{path} could be {', '.join(e.id for e in fitting)}, which only their names tell apart. "
                "Say which: soliloquy weights import FILE --as ID."
            )
        wanted = " or ".join(f"{n:,}" for e in candidates for n in e.parameters if e.loader == loader)
        problems.append(f"{path} is a network of {count:,} numbers where {wanted} are expected.")
    if len(problems) == 1:
        raise WeightsMissing(problems[0])
    raise WeightsMissing(
        f"{path} is none of the known checkpoints ({', '.join(e.id for e in candidates)}). "
        f"First reason: {problems[0] if problems else 'there are none'}"
    )


def _import_file(path: Path, entry_id: str | None, progress: Progress, cancel: CancelToken | None) -> Status:
    progress(0.0, f"Checking {path.name}")
    item = identify(path, entry_id)
    target = folder() / item.id
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{item.id}.", suffix=".part", dir=target.parent))
    try:
        copy = temporary / path.name
        digest = _sha256(path, lambda p, _: progress(0.3 + 0.7 * p, f"Copying {path.name}"), cancel, copy)
        if item.sha256 and digest != item.sha256:
            raise WeightsMissing(
                f"{path} has sha256 {digest}, the publisher states {item.sha256}. Download it again from {item.source}."
            )
        record = {"file": path.name, "size_bytes": copy.stat().st_size, "sha256": digest, "entry": asdict(item)}
        (temporary / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    except OSError as error:
        raise WeightsMissing(
            f"{path} could not be copied to {target.parent}: {error.strerror or error}. Free some space there."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    progress(1.0, f"Imported {item.name}")
    return status(item.id)


def _sha256(path: Path, progress: Progress, cancel: CancelToken | None, copy: Path | None = None) -> str:
    """Checksum of a file, which is copied on the way if wanted."""
    digest, total, done = hashlib.sha256(), max(1, path.stat().st_size), 0
    with path.open("rb") as source, (copy or Path(os.devnull)).open("wb") as out:
        while chunk := source.read(_CHUNK):
            if cancel is not None:
                cancel.check()
            digest.update(chunk)
            out.write(chunk)
            done += len(chunk)
            progress(done / total, f"Reading {path.name}")
        out.flush()
        if copy is not None:
            os.fsync(out.fileno())
    return digest.hexdigest()


def _load(loader: str, path: Path) -> Any:
    module, _, name = loader.partition(":")
    return getattr(importlib.import_module(module), name)(path)


def _parameters(loaded: Any) -> int:
    """Numbers in the network that a loader gave, alone or as the first field of a record."""
    network = loaded if hasattr(loaded, "parameters") else next(iter(vars(loaded).values()))
    return sum(p.numel() for p in network.parameters())


def table(found: Iterable[Status]) -> list[str]:
    """One line an entry, for the command line."""
    lines = []
    for item in found:
        e = item.entry
        size = item.size_bytes or e.size_bytes
        lines.append(
            f"{e.id:18s} {item.state:8s} {size / 1e6:7.0f} MB  {e.name}; {e.licence}; {e.source}"
            + (f"; sha256 {item.sha256[:16]}…" if item.sha256 else "")
            + (f"; {item.problem}" if item.problem else "")
        )
    return lines
