"""Lips in closed form: the skin above and below the mouth moves as two smooth sheets, what neither covers is open.

A single field of motion cannot part lips. Here the upper and the lower lip have one each, linear in the coordinates
of the banks and continued beyond the lip's rim, so both are smooth; a pixel whose place in the photo lies beyond both
rims is between the lips, to a fraction of a pixel, and shows teeth, tongue or the dark behind them, regressed pixel by
pixel from the lessons in which it was open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines import arkit
from engines.blendshape.background import pull_push
from engines.blendshape.raster import NOTHING, raster
from engines.rig.mesh import PARTS
from engines.teaching.banks import MOUTH, MOUTH_UNITS, Banks
from engines.teaching.teacher import Box, Teacher

STRIDE: Final = 2
_JAW_KNOTS: Final = (0.0, 0.15, 0.3, 0.5, 0.8)
_SEEN: Final = ("mouthLowerDownLeft", "mouthUpperUpLeft", "mouthFunnel", "mouthPucker", "mouthSmileLeft")
_RIDGE: Final = 0.006
_ITERATIONS: Final = 6


@dataclass(frozen=True, eq=False)
class Lips:
    """The mouth of one portrait.

    Attributes
    ----------
    box : where it lies, in pixels of the actor
    upper, lower : float32 (F, h, w, 2), forward motion of each lip, every `STRIDE` pixels of the box
    rims : float32 (2, W), y of the upper and the lower rim in the photo at every column of the actor
    cover : float32 (h, w), 1 near the lips of the photo, 0 where the rest of the face takes over
    corners : float32 (2,), x of the corners of the mouth in the photo
    skull, jaw : float32 (K, H, W, 3), colours between the lips by `inside_features`, 0 to 255; ``jaw`` as it lies at
        rest
    jaw_moves : float32 (F, 2), where the jaw goes
    edge : float32 (W,), y of the edge of the upper teeth at every column of the box
    unmix : float64 (20, C), mouth coordinates back to the channels that `inside_features` needs
    """

    box: Box
    upper: np.ndarray
    lower: np.ndarray
    rims: np.ndarray
    cover: np.ndarray
    corners: np.ndarray
    skull: np.ndarray
    jaw: np.ndarray
    jaw_moves: np.ndarray
    edge: np.ndarray
    unmix: np.ndarray

    def motion(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the pixels of the box come from (H, W, 2), how far each is open (H, W) and is the mouth's own (H, W).

        The first is an offset in pixels, the second a distance, negative outside the opening; the last is 1 near the
        lips and falls to 0 where the rest of the face takes over.

        Parameters
        ----------
        features : (F,), from `engines.teaching.prior.face_features`
        """
        import cv2

        x, y = np.meshgrid(
            np.arange(self.box.left, self.box.left + self.box.width, dtype=np.float32),
            np.arange(self.box.top, self.box.top + self.box.height, dtype=np.float32),
        )
        columns = np.arange(self.rims.shape[1])
        flows, beyond = [], []
        within = np.full(x.shape, np.inf)
        for basis, rim, sign in ((self.upper, self.rims[0], 1.0), (self.lower, self.rims[1], -1.0)):
            back = self._inverse(np.tensordot(features, basis, 1).astype(np.float32))
            from_x = x + back[..., 0]
            rim_y = np.interp(from_x.ravel(), columns, rim).reshape(x.shape)
            within = np.minimum(within, np.minimum(from_x - self.corners[0], self.corners[1] - from_x))
            flows.append(back)
            beyond.append(sign * (y + back[..., 1] - rim_y))
        upper_share = np.clip((beyond[1] - beyond[0]) + 0.5, 0, 1)[..., None]
        flow = flows[1] + upper_share * (flows[0] - flows[1])
        # beyond the corners there is one skin; the two sheets agree there but for noise
        joined = np.clip(1 - within / 2, 0, 1)[..., None]
        flow += joined * (0.5 * (flows[0] + flows[1]) - flow)
        opened = np.minimum(np.minimum(*beyond), within).astype(np.float32)
        there_x = ((x + flow[..., 0] - self.box.left) / STRIDE).astype(np.float32)
        there_y = ((y + flow[..., 1] - self.box.top) / STRIDE).astype(np.float32)
        cover = cv2.remap(self.cover, there_x, there_y, cv2.INTER_LINEAR)
        return flow.astype(np.float32), opened, np.maximum(cover, np.clip(opened + 3, 0, 1))

    def colours(self, coordinates: np.ndarray, features: np.ndarray) -> np.ndarray:
        """What is seen between the lips : float32 (H, W, 3)."""
        import cv2

        amounts = inside_features(coordinates[None], self.unmix)[0]
        skull, jaw = (np.tensordot(amounts, part, 1).astype(np.float32) for part in (self.skull, self.jaw))
        size = (self.box.width, self.box.height)
        moved = cv2.warpAffine(jaw, _shift(features @ self.jaw_moves), size, borderMode=cv2.BORDER_REPLICATE)
        share = self.below_teeth()[..., None]
        return np.asarray(np.clip(skull + share * (moved - skull), 0, 255), np.float32)

    def below_teeth(self) -> np.ndarray:
        """1 where the jaw's picture shows : float32 (H, W)."""
        y = np.arange(self.box.top, self.box.top + self.box.height)
        return np.asarray(np.clip(y[:, None] - self.edge + 0.5, 0, 1), np.float32)

    def _inverse(self, forward: np.ndarray) -> np.ndarray:
        """The backward offset of a forward one, at every pixel of the box."""
        import cv2

        h, w = forward.shape[:2]
        x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
        back: np.ndarray = -forward
        for _ in range(_ITERATIONS):
            there: np.ndarray = cv2.remap(
                forward,
                x + back[..., 0] / STRIDE,
                y + back[..., 1] / STRIDE,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            back = np.asarray(0.3 * back - 0.7 * there)
        matrix = np.array([[1 / STRIDE, 0, 0], [0, 1 / STRIDE, 0]], np.float32)
        size = (self.box.width, self.box.height)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(back, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _channels() -> list[int]:
    names = [arkit.NAMES[i] for i in MOUTH_UNITS]
    return [names.index("jawOpen"), names.index("mouthClose"), *(names.index(n) for n in _SEEN), len(names)]


def inside_features(coordinates: np.ndarray, unmix: np.ndarray) -> np.ndarray:
    """What decides the view between the lips : (T, K): hats over the jaw's opening, lips, tongue."""
    channels = coordinates[:, MOUTH] @ unmix
    jaw = np.clip(channels[:, 0] - 0.5 * channels[:, 1], _JAW_KNOTS[0], _JAW_KNOTS[-1])
    hats = np.stack([np.interp(jaw, _JAW_KNOTS, row) for row in np.eye(len(_JAW_KNOTS))], 1)
    tongue = channels[:, -1:] * np.stack([1 - jaw, jaw], 1)
    return np.concatenate([hats, channels[:, 2:-1], tongue], 1)


def fit_lips(
    teacher: Teacher,
    banks: Banks,
    coordinates: np.ndarray,
    features: np.ndarray,
    moved: np.ndarray,
    frames: np.ndarray,
) -> Lips:
    """Learn the lips from lessons with the head still.

    Parameters
    ----------
    coordinates : (T, 36)
    features : (T, F), from `engines.teaching.prior.face_features`
    moved : float32 (F, M, 2), motion of the mouth's vertices by feature
    frames : uint8 (T, H, W, 3)
    """
    import cv2

    lips = lips_alone(teacher, banks, moved)
    box, jaw_moves = lips.box, lips.jaw_moves
    amounts = inside_features(coordinates, lips.unmix)
    parts = frames[(slice(None), *box.slices)].astype(np.float32)
    seen = np.stack([np.clip(lips.motion(f)[1] - 0.3, 0, 1) for f in features])
    below = lips.below_teeth()
    size = (box.width, box.height)
    moved_back = [_shift(-(f @ jaw_moves)) for f in features]
    jaw = np.stack([cv2.warpAffine(p, m, size) for p, m in zip(parts, moved_back, strict=True)])
    jaw_seen = np.stack([cv2.warpAffine(s * below, m, size) for s, m in zip(seen, moved_back, strict=True)])
    pictures = _regressed(amounts, parts, seen * (1 - below)), _regressed(amounts, jaw, jaw_seen)
    return replace(lips, skull=pictures[0], jaw=pictures[1])


def lips_alone(teacher: Teacher, banks: Banks, moved: np.ndarray) -> Lips:
    """The lips as they move, with no colours yet between them; parameters as in `fit_lips`."""
    mouth = teacher.painter.mouth
    box = teacher.mouth_box()
    rims = _rims(mouth.uv, mouth.lips, teacher.crop.size[0])
    middle = np.interp(mouth.uv[:, 0], np.arange(rims.shape[1]), rims.mean(0))
    above = mouth.uv[:, 1] < middle
    fields = []
    for rim, side in zip(mouth.lips, (above, ~above), strict=True):
        own = side.copy()
        own[mouth.lips[0]], own[mouth.lips[1]] = rim is mouth.lips[0], rim is mouth.lips[1]
        skin = mouth.skin[own[mouth.skin].all(1)]
        fields.append(_dense(moved, mouth.uv, skin, box, True))
    channels = _channels()
    unmix = np.linalg.pinv(banks.mouth)[:, channels]
    corners = mouth.uv[mouth.lips[0]][:, 0]
    empty = np.zeros((0, box.height, box.width, 3), np.float32)
    jaw_moves = moved[:, _rows_of(teacher, "teethLower")].mean(1)
    edge = _upper_edge(teacher, box)
    bounds = np.array([corners.min(), corners.max()], np.float32)
    cover = _dense(mouth.cover[None, :, None].repeat(2, 2), mouth.uv, mouth.skin, box, False)[0, ..., 0]
    return Lips(box, fields[0], fields[1], rims, cover, bounds, empty, empty, jaw_moves, edge, unmix)


def _shift(by: np.ndarray) -> np.ndarray:
    """The matrix that moves a picture by (x, y) pixels."""
    return np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float32)


def _rows_of(teacher: Teacher, part: str) -> np.ndarray:
    """Which of the mouth's vertices belong to a part of the mesh : bool (M,)."""
    mesh = teacher.painter.placement.mesh
    return np.asarray(mesh.parts_of_vertices()[teacher.painter.mouth.rows] == PARTS.index(part))


def _upper_edge(teacher: Teacher, box: Box) -> np.ndarray:
    """y of the lower edge of the upper teeth at every column of the box."""
    mouth = teacher.painter.mouth
    triangles = mouth.inner[_rows_of(teacher, "teethUpper")[mouth.inner].all(1)]
    depth = np.full((box.height, box.width), NOTHING, np.float32)
    out = np.zeros((box.height, box.width, 0), np.float32)
    rest = teacher.mouth_rest()
    near = np.zeros(len(rest), np.float32)
    raster(
        rest.astype(np.float32),
        near,
        np.zeros((len(rest), 0), np.float32),
        triangles,
        box.left,
        box.top,
        depth,
        out,
        True,
    )
    there = depth > NOTHING
    columns = np.flatnonzero(there.any(0))
    if not len(columns):
        return np.full(box.width, float(box.top), np.float32)
    lowest = box.top + box.height - 1 - there[::-1, columns].argmax(0)
    return np.interp(np.arange(box.width), columns, lowest + 0.5).astype(np.float32)


def _rims(uv: np.ndarray, lips: tuple[np.ndarray, np.ndarray], width: int) -> np.ndarray:
    """y of both rims at every column, level beyond the corners."""
    result = []
    for rim in lips:
        order = np.argsort(uv[rim, 0])
        result.append(np.interp(np.arange(width), uv[rim][order, 0], uv[rim][order, 1]))
    return np.asarray(result, np.float32)


def _dense(moved: np.ndarray, uv: np.ndarray, skin: np.ndarray, box: Box, on: bool) -> np.ndarray:
    """Vertex values (F, M, 2) as fields over the box in the photo, continued (``on``) or 0 where there is no skin."""
    count = len(moved)
    h, w = -(-box.height // STRIDE), -(-box.width // STRIDE)
    attributes = np.ascontiguousarray(moved.transpose(1, 0, 2).reshape(len(uv), -1), np.float32)
    places = ((uv - [box.left, box.top]) / STRIDE).astype(np.float32)
    depth, out = np.full((h, w), NOTHING, np.float32), np.zeros((h, w, 2 * count), np.float32)
    raster(places, np.zeros(len(uv), np.float32), attributes, skin, 0, 0, depth, out, True)
    known = (depth > NOTHING).astype(np.float32)
    fields = out.reshape(h, w, count, 2).transpose(2, 0, 1, 3)
    if not on:
        return np.ascontiguousarray(fields * known[..., None])
    return np.stack([pull_push(np.ascontiguousarray(field), known) for field in fields]).astype(np.float32)


def _regressed(features: np.ndarray, colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Per-pixel weighted ridge towards the mean colour of open pixels : float32 (K, H, W, 3)."""
    count, height, width, _ = colours.shape
    w = weight.reshape(count, -1)
    c = colours.reshape(count, -1, 3)
    mean = (w[..., None] * c).sum((0, 1)) / max(float(w.sum()), 1e-6)
    normal = np.einsum("tp,ti,tj->pij", w, features, features, optimize=True)
    aim = np.einsum("tp,ti,tpc->pic", w, features, c, optimize=True)
    # Where a pixel was seldom open, its colour leans on a coarser picture of the opening.
    prior = np.zeros((features.shape[1], 3))
    whole = np.einsum("pij->ij", normal) + _RIDGE * count * np.eye(features.shape[1])
    prior = np.linalg.solve(whole, np.einsum("pic->ic", aim)) if w.sum() > 1 else prior + mean
    strength = _RIDGE * count * np.eye(features.shape[1])
    solved = np.linalg.solve(normal + strength, aim + strength @ prior)
    return np.asarray(solved.transpose(1, 0, 2).reshape(-1, height, width, 3), np.float32)
