"""An actor of the diffusion autoencoder: a portrait that moves in closed form, and the network that redraws its face.

On disk an actor is a folder that an artist can look into: ``card.json`` (who, from what, how good), ``portrait.png``,
``network.safetensors``, ``codes.npz`` (codes and poses of the frames it learnt from) and ``preview.png``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from engines.api import Portrait
from engines.diffusion_autoencoder.speech import Speaker, save_speaker
from engines.errors import InputError, WeightsMissing
from engines.teaching.closed import ClosedForm
from engines.teaching.window import Window

VERSION: Final = 1
"""Counted up whenever the same actor would give other frames."""
ENGINE: Final = "diffusion_autoencoder"
CARD, PORTRAIT, NETWORK, CODES, PREVIEW, SPEECH = (
    "card.json", "portrait.png", "network.safetensors", "codes.npz", "preview.png", "speech.safetensors",
)  # fmt: skip
SHIPPED: Final = Path(__file__).resolve().parents[2] / "assets" / "diffusion_autoencoder" / "demo"
"""The actor that the repository brings along; others begin where it ends."""


@dataclass(frozen=True)
class Network:
    """What was learnt.

    Attributes
    ----------
    config : `engines.diffusion_autoencoder.net_student.StudentConfig.facts`
    weights : numbers by name, half precision
    seed : of the noise x_T that all frames share
    gain : share of what the network changes that is laid over the closed form, 0 to 1; measured on unseen frames
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    seed: int = 1
    gain: float = 1.0


@dataclass(eq=False)
class DiffusionActor(ClosedForm):
    """What `engines.diffusion_autoencoder.engine.DiffusionEngine.prepare` makes of a portrait.

    Attributes
    ----------
    window : the square that the network draws
    network : what was learnt
    taught : how, for people
    digest : content hash of what it was made from
    speaker : how the person speaks, where footage with a voice was there
    """

    window: Window
    network: Network
    taught: str
    digest: str
    engine_id: str = ENGINE
    speaker: Speaker | None = None


@dataclass(frozen=True)
class Card:
    """What an actor is, for people and for the engine.

    Attributes
    ----------
    name : of the actor
    portrait : `engines.api.Portrait.digest` of the portrait
    made_from : what it was taught with
    licence : of the actor as a whole
    command : what made it
    network : config, seed, gain and content hash of the network
    figures : what was measured when it was made, by name
    """

    name: str
    portrait: str
    made_from: str
    licence: str
    command: str
    network: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    engine: str = ENGINE
    version: int = VERSION


def save_actor(
    folder: Path,
    card: Card,
    portrait: Portrait,
    network: Network,
    codes: dict[str, np.ndarray],
    preview: np.ndarray,
    speaker: Speaker | None = None,
) -> None:
    """Write an actor's folder; the card comes last, so a folder with a card is whole.

    Parameters
    ----------
    codes : arrays by name, such as ``codes`` (T, code_dim) and ``poses`` (T, 6)
    preview : uint8 (H, W, 3)
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    if portrait.source is None or portrait.source.resolve() != (folder / PORTRAIT).resolve():
        whole = portrait.rgb if portrait.alpha is None else np.dstack([portrait.rgb, portrait.alpha])
        Image.fromarray(whole).save(folder / PORTRAIT)
    Image.fromarray(preview).save(folder / PREVIEW)
    partial = folder / (CODES + ".part")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **codes)
    partial.replace(folder / CODES)
    partial = folder / (NETWORK + ".part")
    save_file(network.weights, partial)
    partial.replace(folder / NETWORK)
    if speaker is not None:
        save_speaker(speaker, folder / SPEECH)
    partial = folder / (CARD + ".part")
    partial.write_text(json.dumps(vars(card), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / CARD)


def is_actor(folder: Path) -> bool:
    """Whether a folder holds an actor of this engine."""
    return (folder / CARD).is_file()


def read_card(folder: Path) -> Card:
    """The card in an actor's folder.

    Raises
    ------
    InputError
        If there is none, or it is of another engine or version.
    """
    path = folder / CARD
    try:
        card = Card(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} is no card of an actor: {error}. Train the actor again.") from error
    if (card.engine, card.version) != (ENGINE, VERSION):
        raise InputError(
            f"{folder} holds an actor of {card.engine} {card.version}, not of {ENGINE} {VERSION}. Train it again."
        )
    return card


def read_network(folder: Path) -> Network:
    """The network in an actor's folder.

    Raises
    ------
    InputError
        If the card cannot be used.
    WeightsMissing
        If the network is absent or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    card = read_card(folder)
    path = folder / NETWORK
    try:
        return Network(card.network["config"], load_file(path), int(card.network["seed"]), float(card.network["gain"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise WeightsMissing(f"The actor's network {path} cannot be read: {error}. Train the actor again.") from error


def folder_of(portrait: Portrait, *places: Path) -> Path | None:
    """The folder of the actor that a portrait belongs to, if there is one.

    That is the folder which the portrait itself lies in, or one in ``places`` that was taught from the same picture.
    """
    digest = portrait.digest()
    own = [] if portrait.source is None else [portrait.source.parent]
    within = [child for place in places if place.is_dir() for child in sorted(place.iterdir())]
    for folder in (*own, *within):
        if is_actor(folder):
            try:
                card = read_card(folder)
            except InputError:
                continue  # another engine's, or of another version: as good as none
            if card.portrait == digest:
                return folder
    return None


def fingerprint(folder: Path | None) -> str:
    """Changes whenever the actor in a folder does; of no folder, whenever the one that others begin with does."""
    path = (folder or SHIPPED) / CARD
    content = path.read_bytes() if path.is_file() else b""
    return ("" if folder is None else "actor-") + hashlib.blake2b(content, digest_size=8).hexdigest()


def digest_of(network: Network) -> str:
    """Content hash of what was learnt; it stands in the card, so that the card changes with it."""
    h = hashlib.blake2b(digest_size=8)
    for name in sorted(network.weights):
        h.update(name.encode() + np.ascontiguousarray(network.weights[name]).tobytes())
    return h.hexdigest()
