"""What makes a fitted head work: units in the person's size, eyes behind the lids, lips and lids that close."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from engines import arkit
from engines.rig.head import Head, load_head
from engines.rig.warp import Spread

OPENING: Final = ("jawOpen", "mouthClose", "mouthFunnel", "mouthUpperUp", "mouthLowerDown", "tongueOut")
"""Units that part the lips or mend it; all others leave closed lips closed."""

PULLING: Final = ("mouthSmile", "mouthFrown", "mouthStretch", "mouthDimple")
"""Units that pull the corners of the mouth."""

BLINK_MEETS: Final = 0.80
"""Where between the open upper lid (0) and lower lid (1) the closed lids meet."""
LID_CLEARANCE: Final = 0.03
"""Distance of the lids from the eyeball in parts of its radius."""
CLOSE_MEETS: Final = 0.35
"""Where between upper (0) and lower lip (1) ``mouthClose`` brings the parted lips together."""


def _along(points: np.ndarray) -> np.ndarray:
    """Arc length along a chain, 0 to 1 : (N,)."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return length / max(length[-1], 1e-9)


class Pair:
    """Two chains that share their end points, with the correspondence of one to the other by arc length."""

    def __init__(self, head: Head, upper: np.ndarray, lower: np.ndarray, reach: float) -> None:
        self.upper, self.lower = upper, lower
        vertices = head.mesh.vertices
        self.chain, self._place = np.unique(np.concatenate([upper, lower]), return_index=True)
        self._at_upper, self._at_lower = _along(vertices[upper]), _along(vertices[lower])
        self.spread = Spread(head, self.chain, reach)

    def _sampled(self, values: np.ndarray, at: np.ndarray, want: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(want, at, values[:, k]) for k in range(3)], 1)

    def meeting(self, vertices: np.ndarray, where: float) -> tuple[np.ndarray, np.ndarray]:
        """Displacements (N, 3) of both chains to a line between them, ``where`` 0 at the upper, 1 at the lower."""
        up, low = vertices[self.upper], vertices[self.lower]
        low_there = self._sampled(low, self._at_lower, self._at_upper)
        up_there = self._sampled(up, self._at_upper, self._at_lower)
        return where * (low_there - up), (1 - where) * (up_there - low)

    def field(self, move_upper: np.ndarray, move_lower: np.ndarray, count: int) -> np.ndarray:
        """Displacements of both chains carried to their surroundings : (count, 3)."""
        both = np.concatenate([move_upper, move_lower])[self._place]
        return self.spread.field(both, count)

    def gap(self, vertices: np.ndarray) -> float:
        """Largest distance of the chains in the picture plane, in centimetres; 0 where the lower is above the upper."""
        up, low = vertices[..., self.upper, :], vertices[self.lower]
        low_there = self._sampled(low, self._at_lower, self._at_upper)
        return float(np.maximum(up[..., 1] - low_there[..., 1], 0).max())


@functools.cache
def lips() -> Pair:
    head = load_head()
    return Pair(head, head.lip_upper, head.lip_lower, 1.6)


@functools.cache
def lids(side: int) -> Pair:
    """Lids of the subject's left (0) or right eye (1)."""
    head = load_head()
    return Pair(head, head.lid_upper[side], head.lid_lower[side], 1.3)


def seal_units(units: np.ndarray) -> np.ndarray:
    """Units that keep closed lips closed, and a ``mouthClose`` that closes what ``jawOpen`` opens.

    Parameters
    ----------
    units : float (52, V, 3) on a neutral face whose lips touch
    """
    pair = lips()
    result = units.astype(np.float64)
    opening = set(arkit.indices(*OPENING))
    count = units.shape[1]
    for index in range(arkit.COUNT):
        if index not in opening and np.abs(result[index, pair.chain]).max() > 1e-4:
            result[index] += pair.field(*pair.meeting(result[index], 0.5), count)
    jaw, close = arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]
    both = result[jaw] + result[close]
    result[close] += pair.field(*pair.meeting(both, CLOSE_MEETS), count)
    return result


def seal_lips(vertices: np.ndarray) -> np.ndarray:
    """Displacement that brings the lips of a neutral face together : (V, 3)."""
    pair = lips()
    return pair.field(*pair.meeting(vertices, 0.5), len(vertices))


def scale_units(head: Head, vertices: np.ndarray) -> np.ndarray:
    """The generic units in the size of this person's features : float64 (52, V, 3).

    Each region keeps the proportion of a movement to the feature that moves: lips to the width of the mouth, jaw to
    the height of the lower face, lids to the width of the eye, the rest to the width of the face; the muscles that
    pull the corners of the mouth begin on the cheeks and the jaw, so they go by both mouth and face.
    """
    mesh = head.mesh
    generic, person = mesh.vertices, vertices

    def ratio(a: int, b: int, axis: int | None = None) -> float:
        new, old = person[a] - person[b], generic[a] - generic[b]
        if axis is not None:
            return float(np.clip(abs(new[axis]) / abs(old[axis]), 0.5, 2.0))
        return float(np.clip(np.linalg.norm(new) / np.linalg.norm(old), 0.5, 2.0))

    mouth = ratio(head.lip_upper[0], head.lip_upper[-1], 0)
    eyes = [ratio(chain[0], chain[-1]) for chain in head.lid_upper]
    face = ratio(head.lid_upper[0][-1], head.lid_upper[1][0], 0)
    chin = int(np.argmax(np.where(mesh.parts_of_vertices() == 0, -generic[:, 1] + 0.6 * generic[:, 2], -np.inf)))
    lower = ratio(chin, int(head.lid_upper[0][0]), 1)
    result = mesh.units.astype(np.float64)
    for name, index in arkit.INDEX.items():
        region = arkit.REGION[name]
        if region == "eyes":
            result[index] *= eyes[0] if name.endswith("Left") else eyes[1]
        elif region == "jaw":
            result[index] *= np.array([face, lower, lower])
        elif region in ("lips", "tongue"):
            height = (mouth + lower) / 2
            size = np.array([mouth, height, height])
            result[index] *= (size + face) / 2 if name.startswith(PULLING) else size
        else:
            result[index] *= face
    return result


def fit_eyes(
    head: Head, vertices: np.ndarray, view: np.ndarray, pupils: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, float]]]:
    """Put eyeballs behind the lids, and the lid margins onto them.

    Parameters
    ----------
    vertices : (V, 3) neutral face in the head's frame
    view : (3,) place of the camera in the head's frame; lids move along its rays, which keeps the picture
    pupils : directions (3,) from there to the pupils, left and right; both eyes are made to look the same way

    Returns
    -------
    vertices with new eyeballs, displacement of the skin (V, 3), and (centre, radius) of each eye
    """
    mesh = head.mesh
    result = vertices.copy()
    shift = np.zeros_like(vertices)
    balls = []
    for side, part in enumerate(("eyeLeft", "eyeRight")):
        pair = lids(side)
        rows = mesh.part_vertices(part)
        old_centre = mesh.pivots[2 + side].astype(float)
        old_radius = float(np.linalg.norm(mesh.vertices[rows] - old_centre, axis=1).mean())
        margin = vertices[pair.chain]
        width = np.linalg.norm(vertices[pair.upper[0]] - vertices[pair.upper[-1]])
        old_width = np.linalg.norm(mesh.vertices[pair.upper[0]] - mesh.vertices[pair.upper[-1]])
        radius = float(old_radius * width / old_width)
        centre = _ball_behind(margin, radius * (1 + LID_CLEARANCE), old_centre - mesh.vertices[pair.chain].mean(0))
        balls.append((centre, radius))
    balls = [
        # no corner of the eye may lie inside the ball, or it would show through closed lids
        (centre, float(np.clip(np.linalg.norm(vertices[lids(side).chain] - centre, axis=1).min(), 0.92 * r, r)))
        for side, (centre, r) in enumerate(_same_look(balls, view, pupils))
    ]
    for side, part in enumerate(("eyeLeft", "eyeRight")):
        pair, (centre, radius) = lids(side), balls[side]
        rows = mesh.part_vertices(part)
        margin = vertices[pair.chain]
        direction = mesh.vertices[rows] - mesh.pivots[2 + side]
        result[rows] = centre + radius * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        wanted = _onto_ball(margin, view, centre, radius * (1 + LID_CLEARANCE))
        move = wanted - margin
        order = {int(v): k for k, v in enumerate(pair.chain)}
        shift += pair.field(
            move[[order[int(v)] for v in pair.upper]], move[[order[int(v)] for v in pair.lower]], len(vertices)
        )
    return result, shift, balls


def look_of(centre: np.ndarray, radius: float, view: np.ndarray, pupil: np.ndarray) -> np.ndarray:
    """Yaw and pitch of an eye whose pupil is seen from ``view`` in the direction ``pupil`` : (2,), head's frame."""
    ray = pupil / np.linalg.norm(pupil)
    to = centre - view
    along = to @ ray
    half = np.sqrt(max(radius**2 - max(to @ to - along**2, 0.0), 0.0))
    direction = (along - half) * ray - to
    direction /= np.linalg.norm(direction)
    return np.array([np.arctan2(direction[0], direction[2]), np.arcsin(np.clip(direction[1], -1, 1))])


def _same_look(
    balls: list[tuple[np.ndarray, float]], view: np.ndarray, pupils: list[np.ndarray]
) -> list[tuple[np.ndarray, float]]:
    """Eyeballs moved a little, symmetrically, so that the eyes look in one direction.

    Lids alone do not fix the centres sideways, and the visual axis lies a few degrees nasal of the optical one.
    """
    for _ in range(3):
        looks = [look_of(c, r, view, p) for (c, r), p in zip(balls, pupils, strict=True)]
        apart = (looks[0] - looks[1]) / 2
        moved = []
        for (centre, radius), sign in zip(balls, (1, -1), strict=True):
            step = radius * np.clip(sign * apart, -0.25, 0.25)
            moved.append((centre + np.array([step[0], step[1], 0.0]), radius))
        balls = moved
    return balls


def _ball_behind(margin: np.ndarray, radius: float, offset: np.ndarray) -> np.ndarray:
    """Centre of a ball of given radius that touches the margin best, near the place it has on the average head."""
    prior = margin.mean(0) + offset
    centre = prior.copy()
    for _ in range(12):
        away = margin - centre
        distance = np.linalg.norm(away, axis=1)
        jacobian = -away / distance[:, None]
        system = jacobian.T @ jacobian + np.diag([0.3, 0.3, 0.05]) * len(margin)
        right = -jacobian.T @ (distance - radius) - np.diag([0.3, 0.3, 0.05]) @ (centre - prior) * len(margin)
        centre = centre + np.linalg.solve(system, right)
    return centre


def _onto_ball(points: np.ndarray, view: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Points moved along their rays from ``view`` to a ball, by a fifth of its radius at most.

    The corners of the eye lie beside the ball; they stay where they are unless they are inside it.
    """
    ray = points - view
    distance = np.linalg.norm(ray, axis=1)
    ray /= distance[:, None]
    to = centre - view
    along = ray @ to
    inside = radius**2 - np.maximum(to @ to - along**2, 0)
    step = np.where(inside > 0, along - np.sqrt(np.maximum(inside, 0)) - distance, 0)
    step *= np.clip(inside / (0.3 * radius**2), 0, 1)  # no jump where rays begin to miss the ball
    return points + np.clip(step, -0.2 * radius, 0.2 * radius)[:, None] * ray


def close_lids(units: np.ndarray, vertices: np.ndarray, balls: list[tuple[np.ndarray, float]]) -> np.ndarray:
    """``eyeBlink`` units at whose full strength the margins meet on the eyeball : (52, V, 3).

    Parameters
    ----------
    units : float64 (52, V, 3), changed in place
    vertices : (V, 3) neutral face
    balls : centre and radius of each eyeball
    """
    for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
        pair = lids(side)
        index = arkit.INDEX[name]
        up, low = pair.meeting(vertices, BLINK_MEETS)
        centre, radius = balls[side]
        moves = []
        for chain, move in ((pair.upper, up), (pair.lower, low)):
            there = vertices[chain] + move - centre
            there *= radius * (1 + 2.2 * LID_CLEARANCE) / np.linalg.norm(there, axis=1, keepdims=True)
            wanted = there + centre - vertices[chain]
            ends = np.ones((len(chain), 1))
            ends[[0, -1]] = 0
            moves.append(wanted * ends - units[index, chain])
        units[index] += pair.field(moves[0], moves[1], len(vertices))
        # Long lids bridge the bulge of the eyeball in a straight line: lay them onto it.
        rows = pair.spread.free
        rows = rows[np.linalg.norm(vertices[rows] - centre, axis=1) > radius]
        there = vertices[rows] + units[index, rows] - centre
        away = np.linalg.norm(there, axis=1, keepdims=True)
        units[index, rows] += there * np.maximum(radius * (1 + LID_CLEARANCE) / away - 1, 0)
    return units


@functools.cache
def _lash_roots() -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the lashes, and the lid vertex that each hangs on."""
    head = load_head()
    lashes = head.mesh.part_vertices("lashes")
    margin = np.concatenate([*head.lid_upper, *head.lid_lower])
    place = head.mesh.vertices
    distance = np.linalg.norm(place[lashes, None] - place[margin][None], axis=2)
    return lashes, margin[distance.argmin(1)]


def carry_parts(head: Head, vertices: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Take lashes with the lids, and teeth and tongue with the lips, where a field moved the skin.

    Parameters
    ----------
    vertices : (V, 3), changed skin and unchanged other parts
    moved : (V, 3), how the skin was moved
    """
    result = vertices.copy()
    lashes, roots = _lash_roots()
    result[lashes] += moved[roots]
    shift = moved[np.concatenate([head.lip_upper, head.lip_lower])].mean(0)
    for part in ("teethUpper", "teethLower", "tongue"):
        result[head.mesh.part_vertices(part)] += shift
    return result


def carry_unit_parts(head: Head, units: np.ndarray) -> np.ndarray:
    """Lashes that move with the lid they hang on, under every unit : (52, V, 3)."""
    lashes, roots = _lash_roots()
    units[:, lashes] = units[:, roots]
    return units
