"""The engine behind ``engines/oneshot``: the shipped base moves a portrait that it has never seen."""

from __future__ import annotations

from engines.api import CancelToken, Portrait, Progress, no_progress
from engines.blendshape.actor import BlendshapeActor
from engines.disentangled.engine import DisentangledEngine
from engines.disentangled.oneshot import OneShotActor, one_shot
from engines.errors import InputError

VERSION = 1
"""Counted up whenever the same portrait would give other frames."""


class OneShotEngine(DisentangledEngine):
    """Prepares in a second or two, and draws as the disentangled engine does."""

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> OneShotActor:
        """Find the face, fit the head, find where its parts go.

        Raises
        ------
        InputError
            When the portrait shows no face that can be used, or is a head in 3D.
        WeightsMissing
            When the base is not there.
        """
        cancel = cancel or CancelToken()
        if portrait.head is not None:
            raise InputError(
                f"{self.info.name} moves pictures, not heads in 3D. Choose the engine 'blendshape' for this one."
            )
        rig = self._rig.prepare(portrait, progress=lambda p, what: progress(0.4 * p, what), cancel=cancel)
        assert isinstance(rig, BlendshapeActor)
        cancel.check()
        digest = f"{rig.digest}-oneshot-{VERSION}"
        return one_shot(rig, digest, progress=lambda p, what: progress(0.4 + 0.6 * p, what), cancel=cancel)
