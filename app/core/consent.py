"""Whether the person in the portrait may be shown: asked once a portrait, recorded either way, never in the way.

A record names who is shown, on what ground (`SCOPES` or free text), since when, and optionally a file that proves it.
It is kept in the project and goes into the provenance manifest of what is exported.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.core import own_head
from app.core.project import Consent, Project
from engines.errors import InputError

if TYPE_CHECKING:
    from app.core.studio import Studio
    from app.export import ExportOptions

NOT_REAL: Final = "not a real person"
SCOPES: Final = ("myself", "has agreed", "licensed picture", NOT_REAL)
"""The usual grounds; any other text may stand in their place."""
NO_RECORD: Final = "exported without a record"
"""Scope of a portrait that was exported although nothing is on record."""
NOBODY: Final = "nobody real"


def record_of(project: Project, digest: str) -> Consent | None:
    """What the project holds for the portrait with this digest (`app.core.studio.Studio.portrait_digest`)."""
    return next((consent for consent in project.consents if consent.portrait_digest == digest), None)


def shows_person(paths: Iterable[Path], options: ExportOptions | None = None) -> bool:
    """Whether any of the files would hold pictures or the head of the portrait.

    Raises
    ------
    InputError
        For a file whose ending names no known format.
    """
    from app.export import ExportOptions, format_of

    chosen = [format_of(path, options or ExportOptions()) for path in paths]
    return any(f.kind == "scene" or {"frames", "head"} & set(f.needs) for f in chosen)


def unasked(studio: Studio, project: Project) -> str:
    """The portrait's digest if consent should be asked for; empty if it is on record or there is no picture.

    An artist's own 3D head is a work, not a likeness that was taken: it is not asked about.

    Raises
    ------
    InputError
        If the portrait cannot be read.
    """
    if not project.portrait or own_head.is_head(project.portrait):
        return ""
    digest = studio.portrait_digest(project)
    return "" if record_of(project, digest) else digest


def granted(digest: str, who: str, scope: str, evidence: str = "", day: str = "") -> Consent:
    """A record that the person may be shown.

    Parameters
    ----------
    who : name; may be empty only where nobody real is shown
    evidence : path of a file that proves it, such as a signed release; empty: none
    day : ISO date, default today

    Raises
    ------
    InputError
        If the name or the scope is missing, or the evidence is no file.
    """
    who, scope = who.strip(), scope.strip()
    who = who or (NOBODY if scope == NOT_REAL else "")
    if not who:
        raise InputError("The consent names nobody. Say who is shown.")
    if not scope:
        raise InputError(f"The consent of {who} has no scope. Say one of: {', '.join(SCOPES)}, or your own words.")
    if evidence and not Path(evidence).is_file():
        raise InputError(f"There is no evidence of consent at {evidence}. Check the path.")
    proof = str(Path(evidence).absolute()) if evidence else ""
    return Consent(digest, who, scope, day or date.today().isoformat(), True, proof)


def declined(digest: str, who: str = "") -> Consent:
    """A record that the artist exported without one, so that the question does not come again."""
    return Consent(digest, who.strip(), NO_RECORD, date.today().isoformat(), False)


def parse(text: str) -> tuple[str, str]:
    """Name and scope of ``WHO: SCOPE``, as the command line takes it.

    Raises
    ------
    ValueError
        If one of the two is missing.
    """
    who, _, scope = (part.strip() for part in text.partition(":"))
    if not who or not scope:
        raise ValueError(f'--consent {text!r}: write "WHO: SCOPE", as in "Ann Lee: has agreed"')
    return who, scope


def describe(consent: Consent) -> str:
    """One line for people."""
    who = consent.who or "somebody"
    proof = f", evidence {Path(consent.evidence).name}" if consent.evidence else ""
    return f"{who}: {consent.scope} ({consent.date}{proof})"
