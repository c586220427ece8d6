"""The project: everything the artist decided, as frozen values.

A `Project` never changes; a command makes a new one from it (`app.core.history`), so a job's snapshot is the
project itself. Times of the artist's clips and keys are integer frames at ``Project.rate``; times inside the
voice (words, phones) are seconds of the recording. Reading and writing files is `app.core.project_file`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

SCHEMA_VERSION = 1

Interpolation = Literal["bezier", "linear", "step"]
CurveMode = Literal["add", "multiply", "replace"]
CHANNELS_POSE = ("pitch_deg", "yaw_deg", "roll_deg", "x_cm", "y_cm", "z_cm")
CHANNELS_GAZE = ("yaw_deg", "pitch_deg")


@dataclass(frozen=True)
class Key:
    """One key of a curve; ``value`` in the unit of its channel."""

    frame: int
    value: float
    interpolation: Interpolation = "bezier"


@dataclass(frozen=True)
class Curve:
    """Keys of one channel in rising frame order.

    ``channel`` is an ARKit unit, ``pose.NAME`` (`CHANNELS_POSE`), ``gaze.NAME`` (`CHANNELS_GAZE`), ``blink``
    (1 shuts both eyes), or ``ENGINE_ID.NAME`` for an engine's own raw coordinates. ``mode`` says how it meets the
    automatic motion. A muted curve does nothing; if any curve is solo, only solo curves act.
    """

    channel: str
    keys: tuple[Key, ...] = ()
    mode: CurveMode = "add"
    mute: bool = False
    solo: bool = False


@dataclass(frozen=True)
class EmotionClip:
    """An emotion over ``[start, end)`` frames; overlapping clips blend. ``end`` None: to the end of the voice."""

    start: int
    end: int | None
    emotion: str
    intensity: float = 0.7
    ease_in: int = 8
    ease_out: int = 8


@dataclass(frozen=True)
class StyleClip:
    """A speaking style (preset id) over ``[start, end)`` frames."""

    start: int
    end: int | None
    style: str
    amount: float = 1.0


@dataclass(frozen=True)
class Phone:
    """A phone or word of the voice; ``label`` ARPAbet without stress for phones (``SIL`` for silence)."""

    start_s: float
    end_s: float
    label: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Marker:
    frame: int
    name: str
    color: str = "blue"


@dataclass(frozen=True)
class RegionSettings:
    """Strength (1 as performed) and time shift (positive: later) of one facial region."""

    strength: float = 1.0
    offset_s: float = 0.0


@dataclass(frozen=True)
class AutoMotion:
    """Automatic motion; each amount 0 is off, 1 as designed. ``character`` is a head-motion preset id."""

    head: float = 1.0
    character: str = "natural"
    blink: float = 1.0
    gaze: float = 1.0
    breath: float = 1.0
    micro: float = 1.0
    seed: int = 1


PUPPET_PARTS = ("head", "gaze", "mouth", "eyes", "brows", "cheeks")


@dataclass(frozen=True)
class Puppet:
    """How motion from a file (``Project.performance``) moves the face (`app.core.puppet`).

    ``relative`` counts it from the moment ``neutral_s`` of the file, at which the portrait looks as in its picture.
    ``parts`` gives the strength of each of `PUPPET_PARTS`: 0 leaves it to automatic motion (the mouth to the voice, if
    there is one); a part not listed is 1.
    ``dub`` lets the voice move the mouth; the shot then lasts as long as the voice.
    ``listen``, 0 to 1, lets a voice that belongs to the file correct the mouth where it speaks, most where the face was
    hard to see.
    """

    relative: bool = False
    neutral_s: float = 0.0
    parts: tuple[tuple[str, float], ...] = ()
    dub: bool = False
    listen: float = 0.0


@dataclass(frozen=True)
class Speech:
    """Text and times of the voice as the artist left them.

    ``text`` empty: recognise it. ``words`` and ``phones`` are filled only once the artist has edited them; until
    then the analysis of the voice supplies them.
    """

    text: str = ""
    language: str = "en"
    words: tuple[Phone, ...] = ()
    phones: tuple[Phone, ...] = ()


@dataclass(frozen=True)
class Consent:
    """Who may be shown, for what, and how we know; asked once per portrait and recorded either way."""

    portrait_digest: str
    who: str
    scope: str
    date: str
    granted: bool
    evidence: str = ""


@dataclass(frozen=True)
class Project:
    """One shot: a portrait, a voice and the direction of the performance."""

    name: str = "Untitled"
    portrait: str = ""
    """Path of the portrait; relative to the project file when saved, absolute in memory; empty: none yet."""
    face: int = 0
    voice: str = ""
    """Path of the recording, as for ``portrait``."""
    rate: str = "25"
    """Frame rate as `engines.timebase.parse_rate` reads it."""
    engine: str = "blendshape"
    size: tuple[int, int] | None = None
    """(width, height) of the output in pixels; None: the portrait's own."""
    speech: Speech = Speech()
    emotions: tuple[EmotionClip, ...] = ()
    auto_emotion: float = 0.0
    """Share of the emotion read from the voice, 0 to 1."""
    styles: tuple[StyleClip, ...] = ()
    curves: tuple[Curve, ...] = ()
    regions: tuple[tuple[str, RegionSettings], ...] = ()
    """Settings by region name (`engines.arkit.REGIONS` and ``head``); a region not listed is as performed."""
    auto: AutoMotion = AutoMotion()
    unit_names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What the artist's own head and curve files call ARKit units, (unit, its names), where they are not recognised."""
    performance: str = ""
    """Path of an imported Performance, curve file or video that replaces the one read from the voice."""
    puppet: Puppet = Puppet()
    markers: tuple[Marker, ...] = ()
    in_frame: int | None = None
    out_frame: int | None = None
    consents: tuple[Consent, ...] = ()

    def with_(self, **changes: Any) -> Project:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def region(self, name: str) -> RegionSettings:
        return dict(self.regions).get(name, RegionSettings())
