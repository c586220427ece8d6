"""Which of the artist's checkpoints of EDTalk and LIA draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engines import weights
from engines.latent.checkpoints import Chosen

if TYPE_CHECKING:
    from engines.disentangled.net import MotionNet

DRAWING: Final = ("edtalk-own", "edtalk", "edtalk-lip-pose", "lia-vox")
"""Checkpoints that can draw, in this order; the first one that the store holds is used."""
VOICE: Final = "edtalk-audio2lip"


def choose() -> Chosen:
    """The checkpoint that draws.

    Raises
    ------
    WeightsMissing
        If the store holds none of `DRAWING`, or the best of them is damaged; the message names it and its source.
    """
    for entry in DRAWING:
        found = weights.status(entry)
        if found.state != "missing":
            weights.locate(entry)  # a damaged one is not passed over in silence
            return Chosen(entry, found.sha256)
    weights.locate("edtalk")
    raise AssertionError  # locate has raised


def load(chosen: Chosen) -> MotionNet:
    """Its network.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.weights.load`.
    """
    network: MotionNet = weights.load(chosen.entry)
    return network


def hears() -> bool:
    """Whether Audio2Lip is at hand."""
    return weights.status(VOICE).state == "ready"
