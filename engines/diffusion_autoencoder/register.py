"""The head's pose in a picture, found by laying the closed form over it.

An encoder guesses the pose from each picture alone, and what it guesses trembles by more than a head does: that, not
the decoding, is what flickers when footage is encoded and decoded again. The closed form says how every pixel moves
with the six numbers of the pose, so a few steps of Gauss and Newton from the guess find them as exactly as the picture
allows (Lucas and Kanade, IJCAI 1981; with robust weights, Baker and Matthews, IJCV 2004).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engines.diffusion_autoencoder.pairs import window_stage
from engines.diffusion_autoencoder.teach import EYES, LIPS
from engines.teaching import bridge
from engines.teaching.banks import POSE, Motion
from engines.teaching.closed import ClosedForm
from engines.teaching.relief import NOWHERE
from engines.teaching.window import FINE, Window, border, emphasis

_ROUNDS: Final = 4
_STILL: Final = 0.004
"""Change of a pose, in units of the bridge, that is not worth another round."""
_STEP: Final = 0.05
"""Change of a pose coordinate by which its flow is measured."""
_GUESS: Final = 0.1
"""Spread of a guessed pose's error, in units of the bridge; directions that a picture does not show stay near it."""
_MOST: Final = 0.6
"""The farthest that a pose is moved from its guess."""
_NOISE: Final = 6.0
"""Difference of colour (of 255) from which a pixel is believed less: the face does there what the form cannot show."""
_SHARED: Final = 2.0
"""Numbers of a picture that err together."""
_FINE_PX: Final = 0.8
_COARSE_SHARE: Final = 1 / 16
"""What is compared lies between these sizes: less is noise, more is light."""
_LEAST: Final = 0.05


class Registration:
    """Finds the pose of a person's head in pictures of a window.

    Parameters
    ----------
    closed : how the person moves
    window : the square that the pictures show
    """

    def __init__(self, closed: ClosedForm, window: Window) -> None:
        _, self.stage = window_stage(closed, window)
        self.closed, self.window, self.size = closed, window, window.size
        moving = emphasis(closed.rig, window, LIPS, EYES) - 1
        self.trust = np.clip(1 - moving / 2, _LEAST, 1) * border(window.size)[..., 0]
        places = FINE * (np.arange(window.size) + 0.5) - 0.5
        (across, down), scale = self.stage.shift, self.stage.scale
        self.at = np.meshgrid(
            ((places + window.left - across) / scale).astype(np.float32),
            ((places + window.top - down) / scale).astype(np.float32),
        )

    def poses(self, pictures: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Poses (N, 6) in units of the bridge.

        Parameters
        ----------
        pictures : uint8 (N, size, size, 3)
        codes : float32 (N, >= `bridge.COUNT`), what the face does and a guess of the pose
        """
        moved = bridge.motion_of(codes)
        coordinates = self.closed.banks.coordinates(moved)
        found = [self._pose(picture, moved, coordinates, i) for i, picture in enumerate(pictures)]
        return np.stack(found).astype(np.float32)

    def _pose(self, picture: np.ndarray, moved: Motion, coordinates: np.ndarray, i: int) -> np.ndarray:
        aim = self._structure(picture)
        flow, face, eyes = self.closed.moved(moved, coordinates, i)
        motion, seen = self._motion(coordinates[i], flow)
        trust = self.trust * seen
        guess = best = pose = coordinates[i, POSE].astype(np.float64)
        ease = np.eye(6) * _SHARED * (_NOISE / _GUESS) ** 2
        before = np.inf
        for _ in range(_ROUNDS):
            own = coordinates[i].copy()
            own[POSE] = pose
            drawn = self.stage.draw(self.closed.prior.pose_flow(own), face, eyes, False)
            shown = self._structure(self.window.cut(drawn))
            rest = aim - shown
            size = np.abs(rest).mean(-1)
            cost = float((trust * np.log1p((size / _NOISE) ** 2)).sum())
            if cost > before:
                return best
            before, best = cost, pose
            weight = (trust / (1 + (size / _NOISE) ** 2)).astype(np.float32)
            slope = np.stack(np.gradient(shown, axis=(1, 0)), -1)  # (S, S, 3, 2)
            change = np.einsum("hwca,hwak->hwck", slope, motion).reshape(-1, 6)
            weighted = change * np.repeat(weight.ravel(), 3)[:, None]
            pull = weighted.T @ rest.reshape(-1) + ease @ (guess - pose)
            step = np.linalg.solve(weighted.T @ change + ease, pull)
            pose = guess + np.clip(pose + step - guess, -_MOST, _MOST)
            if np.abs(step).max() < _STILL:
                break
        return pose

    def _motion(self, coordinates: np.ndarray, flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How the window's pixels move with each pose coordinate (S, S, 2, 6), and where the head is seen (S, S)."""
        import cv2

        gone = np.abs(flow[..., 0]) >= NOWHERE / 2
        columns = []
        for axis in range(6):
            own = coordinates.copy()
            own[POSE.start + axis] += _STEP
            other = self.closed.prior.pose_flow(own)
            gone |= np.abs(other[..., 0]) >= NOWHERE / 2
            columns.append(other - flow)
        x, y = self.at
        placed = []
        for column in columns:
            column[gone] = 0
            placed.append(cv2.remap(column, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        hidden = cv2.remap(gone.astype(np.float32), x, y, cv2.INTER_LINEAR)
        return np.stack(placed, -1) * (self.stage.scale / FINE / _STEP), hidden == 0

    def _structure(self, picture: np.ndarray) -> np.ndarray:
        """What is compared of a picture : float32 (S, S, 3)."""
        import cv2

        fine = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _FINE_PX)
        return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), _COARSE_SHARE * self.size))


def read(registration: Registration, encode: Callable[[np.ndarray], np.ndarray], pictures: np.ndarray) -> np.ndarray:
    """Codes (N, code_dim) of an actor's pictures (N, size, size, 3): encoded, then the head registered.

    Parameters
    ----------
    encode : of the actor's network, such as `engines.diffusion_autoencoder.decode.Decoder.encode`
    """
    codes = encode(pictures)
    codes[:, bridge.HEAD] = registration.poses(pictures, codes)
    return codes
