"""Named groups of MediaPipe's 478 face landmarks; pairs are the subject's left, then right."""

from __future__ import annotations

from typing import Final

INNER_UPPER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
"""Inner rim of the lips, from the subject's right corner to the left."""

OUTER_UPPER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)

EYE_UPPER: Final = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (33, 246, 161, 160, 159, 158, 157, 173, 133))
EYE_LOWER: Final = ((362, 382, 381, 380, 374, 373, 390, 249, 263), (33, 7, 163, 144, 145, 153, 154, 155, 133))
"""Lid margins from the subject's right to the left."""

IRIS: Final = ((473, 474, 475, 476, 477), (468, 469, 470, 471, 472))
"""Pupil, then four points on the rim of the iris."""

BROW: Final = (
    (285, 295, 282, 283, 276, 336, 296, 334, 293, 300),
    (55, 65, 52, 53, 46, 107, 66, 105, 63, 70),
)
OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outline of the face, clockwise in the picture from the top of the forehead."""
