"""Find where MediaPipe's 478 landmarks lie on the baked head, by drawing it and asking the detector.

The head is drawn with several identities, in several poses, with lips closed and slightly open; every landmark is
cast back onto the drawn mesh, brought to the rest pose, and the median over all drawings is projected onto the mesh.
Lip and lid margins are then snapped to the margins of the mesh, and the two sides are made to agree.
"""

from __future__ import annotations

import numpy as np
from draw_mesh import rasterise, shade

from engines import arkit
from engines.api import head_rotation
from engines.face.landmarks import detect_faces
from engines.rig.head import Head, load_head
from engines.rig.landmark_sets import EYE_LOWER, EYE_UPPER, INNER_LOWER, INNER_UPPER, IRIS
from engines.rig.mesh import PARTS

SIZE = 640
FOCAL = 1500.0
DISTANCE = 62.0
POSES = [(p, y) for p in (-0.12, 0.0, 0.12) for y in (-0.3, -0.15, 0.0, 0.15, 0.3)]
PEOPLE = (
    {}, {"gender": 0.8}, {"gender": -0.8}, {"ethnicity-asian": 0.8}, {"ethnicity-african": 0.7}, {"age-old": 0.7},
)  # fmt: skip


def paint(head: Head, vertices: np.ndarray) -> np.ndarray:
    """Vertex colours that make the head look like a face: skin, lips, brows, eyes, teeth : (V, 3)."""
    mesh = head.mesh
    colours = np.tile([0.86, 0.66, 0.55], (len(vertices), 1))
    for part, colour in (
        ("teethUpper", (0.93, 0.91, 0.86)), ("teethLower", (0.88, 0.86, 0.81)), ("tongue", (0.65, 0.3, 0.3)),
        ("mouthInner", (0.28, 0.09, 0.09)), ("lashes", (0.1, 0.07, 0.06)),
    ):  # fmt: skip
        colours[mesh.part_vertices(part)] = colour
    lips = np.concatenate([head.lip_upper, head.lip_lower])
    skin = mesh.part_vertices("skin")
    near = np.linalg.norm(mesh.vertices[skin, None] - mesh.vertices[lips][None], axis=2).min(1)
    colours[skin[near < 0.62]] = (0.72, 0.36, 0.36)
    brow = head.unit_strength("browDownLeft") + head.unit_strength("browDownRight")
    place = mesh.vertices[skin]
    eyes = mesh.pivots[2:].mean(0)
    height = place[:, 1] - eyes[1]
    arched = 1.75 + 0.30 * np.clip(np.abs(place[:, 0]) - 1.2, 0, 2) * (np.abs(place[:, 0]) < 4.6)
    is_brow = (np.abs(height - arched) < 0.42) & (np.abs(place[:, 0]) > 1.3) & (np.abs(place[:, 0]) < 4.9)
    is_brow &= (brow[skin] > 0) & (place[:, 2] > eyes[2] - 0.8)
    colours[skin[is_brow]] = (0.25, 0.17, 0.12)
    for part, pivot in (("eyeLeft", mesh.pivots[2]), ("eyeRight", mesh.pivots[3])):
        rows = mesh.part_vertices(part)
        ray = mesh.vertices[rows] - pivot
        angle = np.arccos(np.clip(ray[:, 2] / np.linalg.norm(ray, axis=1), -1, 1))
        colours[rows] = np.where(angle[:, None] < 0.2, 0.03, np.where(angle[:, None] < 0.52, [[0.3, 0.2, 0.12]], 0.93))
    return colours


def camera(points: np.ndarray) -> np.ndarray:
    """Pixels and depth of points in the world : (N, 3)."""
    depth = DISTANCE - points[:, 2]
    xy = FOCAL * points[:, :2] / depth[:, None] * [1, -1] + SIZE / 2
    return np.column_stack([xy, depth])


def drawings(head: Head) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, bool]]:
    """Neutral shape, weights, pose and whether the lips are open, of every drawing."""
    rng = np.random.default_rng(7)
    result = []
    for k, person in enumerate(PEOPLE):
        coefficients = head.coefficients(person)
        coefficients += rng.normal(0, 0.12, coefficients.shape) if k else 0
        shape = head.shape(coefficients)
        for pitch, yaw in POSES:
            for opening in (0.0, 0.22):
                weights = np.zeros(arkit.COUNT)
                weights[arkit.INDEX["jawOpen"]] = opening
                weights[list(arkit.indices("mouthUpperUp", "mouthLowerDown"))] = opening
                result.append((shape, weights, np.array([pitch, yaw, rng.normal(0, 0.05)]), opening > 0))
    return result


def embed() -> dict[str, np.ndarray]:
    """Triangle, barycentric place and confidence of each landmark, and the landmark seen in a mirror."""
    head = load_head()
    mesh = head.mesh
    colours = paint(head, mesh.vertices)
    skin = np.flatnonzero(mesh.parts == PARTS.index("skin"))
    eyes = np.flatnonzero((mesh.parts == PARTS.index("eyeLeft")) | (mesh.parts == PARTS.index("eyeRight")))
    places: dict[bool, list[np.ndarray]] = {False: [], True: []}
    kept = 0
    for shape, weights, pose, is_open in drawings(head):
        vertices = shape + np.tensordot(weights, mesh.units, 1)
        turned = vertices @ head_rotation(pose).T
        pixels = camera(turned)
        picture = shade(turned, pixels, mesh.triangles, colours, (SIZE, SIZE), np.array([96, 104, 112]))
        faces = detect_faces(picture)
        if not faces:
            continue
        kept += 1
        places[is_open].append(_cast(faces[0].points[:, :2], pixels, mesh.triangles, skin, eyes, mesh.vertices))
    print(f"landmarks found in {kept} of {len(drawings(head))} drawings")
    return _settle(head, np.stack(places[False]), np.stack(places[True]))


def _cast(
    points: np.ndarray, pixels: np.ndarray, triangles: np.ndarray, skin: np.ndarray, eyes: np.ndarray, rest: np.ndarray
) -> np.ndarray:
    """Rest positions of what lies under each landmark, NaN where nothing sensible does : (478, 3)."""
    scale = 2
    result = np.full((len(points), 3), np.nan)
    for faces, rows in ((skin, np.arange(468)), (eyes, np.arange(468, 478))):
        index, bary, _ = rasterise(
            (pixels * [scale, scale, 1]).astype(np.float64), triangles[faces], SIZE * scale, SIZE * scale
        )
        for row in rows:
            x, y = np.rint(points[row] * scale).astype(int)
            best = None
            for reach in (0, 4, 8, 14):
                top, left = max(0, y - reach), max(0, x - reach)
                window = index[top : y + reach + 1, left : x + reach + 1]
                hits = np.argwhere(window >= 0)
                if len(hits):
                    hits += np.array([top, left])
                    best = tuple(hits[np.hypot(*(hits - np.array([y, x])).T).argmin()])
                    break
            if best is not None:
                corners = triangles[faces[index[best]]]
                result[row] = bary[best] @ rest[corners]
    return result


def _settle(head: Head, closed: np.ndarray, opened: np.ndarray) -> dict[str, np.ndarray]:
    lips = sorted({*INNER_UPPER, *INNER_LOWER})
    stack = closed.copy()
    place = np.nanmedian(stack, 0)
    # Closed lips hide which of them a landmark of the inner rim belongs to: take these from open lips.
    place[lips] = np.nanmedian(opened, 0)[lips]
    scatter = np.nanmedian(np.linalg.norm(stack - place, axis=2), 0)
    scatter[lips] = np.nanmedian(np.linalg.norm(opened - place, axis=2), 0)[lips]
    mirrored = place * [-1, 1, 1]
    distance = np.linalg.norm(mirrored[:, None] - place[None], axis=2)
    mirror = _matching(distance)
    place = (place + mirrored[mirror]) / 2
    scatter = (scatter + scatter[mirror]) / 2
    mesh = head.mesh
    triangle, bary = _project(place, mesh.vertices, mesh.triangles, mesh.parts)
    for chain, rows in (
        (head.lip_upper, INNER_UPPER), (head.lip_lower, INNER_LOWER),
        (head.lid_upper[0], EYE_UPPER[0]), (head.lid_lower[0], EYE_LOWER[0]),
        (head.lid_upper[1], EYE_UPPER[1]), (head.lid_lower[1], EYE_LOWER[1]),
    ):  # fmt: skip
        _snap(chain, rows, place, mesh.vertices, mesh.triangles, mesh.parts, triangle, bary)
    confidence = np.exp(-((scatter / 0.35) ** 2))
    confidence[[i for eye in IRIS for i in eye]] = 0.0  # gaze, not shape
    return {
        "landmark_triangle": triangle.astype(np.uint16),
        "landmark_bary": bary.astype(np.float32),
        "landmark_confidence": confidence.astype(np.float32),
        "landmark_mirror": mirror.astype(np.uint16),
    }


def _matching(distance: np.ndarray) -> np.ndarray:
    """The one-to-one assignment of least distance that is its own inverse."""
    from scipy.optimize import linear_sum_assignment

    _, column = linear_sum_assignment(distance + distance.T)
    for i in np.flatnonzero(column[column] != np.arange(len(column))):
        column[i] = i
    return column


def _project(
    points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest place on the skin (eyeballs for the irises): triangle (N,) and barycentric coordinates (N, 3)."""
    import trimesh

    triangle, bary = np.zeros(len(points), int), np.zeros((len(points), 3))
    for faces, rows in (
        (np.flatnonzero(parts == 0), np.arange(468)),
        (np.flatnonzero((parts == 1) | (parts == 2)), np.arange(468, 478)),
    ):
        surface = trimesh.Trimesh(vertices, triangles[faces], process=False)
        nearest, _, index = trimesh.proximity.closest_point_naive(surface, points[rows])
        triangle[rows] = faces[index]
        bary[rows] = trimesh.triangles.points_to_barycentric(vertices[triangles[faces[index]]], nearest)
    return triangle, np.clip(bary, 0, 1) / np.clip(bary, 0, 1).sum(1, keepdims=True)


def _snap(
    chain: np.ndarray,
    rows: tuple[int, ...],
    place: np.ndarray,
    vertices: np.ndarray,
    triangles: np.ndarray,
    parts: np.ndarray,
    triangle: np.ndarray,
    bary: np.ndarray,
) -> None:
    """Move landmarks of a margin to the nearest edge of its chain of vertices, corners to corners."""
    start, stop = vertices[chain[:-1]], vertices[chain[1:]]
    for n, row in enumerate(rows):
        if n in (0, len(rows) - 1):
            k, t = (0, 0.0) if n == 0 else (len(chain) - 2, 1.0)
        else:
            along = stop - start
            t_all = np.clip(((place[row] - start) * along).sum(1) / (along**2).sum(1), 0, 1)
            k = int(np.linalg.norm(start + t_all[:, None] * along - place[row], axis=1).argmin())
            t = float(t_all[k])
        a, b = int(chain[k]), int(chain[k + 1])
        faces = np.flatnonzero((triangles == a).any(1) & (triangles == b).any(1) & (parts == 0))
        triangle[row] = faces[0]
        bary[row] = (triangles[faces[0]] == a) * (1 - t) + (triangles[faces[0]] == b) * t
