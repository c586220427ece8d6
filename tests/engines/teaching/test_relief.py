"""The head's motion in closed form against the rig's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import registry
from engines.api import Performance, Portrait
from engines.blendshape.actor import BlendshapeActor, Crop
from engines.blendshape.engine import BlendshapeEngine
from engines.blendshape.flow import dense_flow
from engines.teaching.banks import POSE_SCALE
from engines.teaching.relief import NOWHERE, Relief, relief_of
from engines.timebase import parse_rate

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"
HEADS = ((0.1, 0.25, -0.2, 0.5, -0.4, 1.0), (-0.2, -0.3, 0.3, -1.0, 0.8, -2.0))


@pytest.fixture(scope="module")
def rig() -> BlendshapeActor:
    image = Image.open(DEMO).convert("RGB")
    image.thumbnail((300, 300), Image.Resampling.LANCZOS)
    actor = BlendshapeEngine(registry.info("blendshape")).prepare(Portrait(np.array(image)))
    assert isinstance(actor, BlendshapeActor)
    return actor


@pytest.fixture(scope="module")
def whole(rig: BlendshapeActor) -> Relief:
    height, width = rig.portrait.rgb.shape[:2]
    return relief_of(rig, Crop(0, 0, 1.0, (width, height)))


def test_rest_moves_nothing(whole: Relief) -> None:
    assert not whole.flow(np.zeros(6)).any()


@pytest.mark.parametrize("head", HEADS)
def test_it_is_the_rigs_own_motion(rig: BlendshapeActor, whole: Relief, head: tuple[float, ...]) -> None:
    painter = rig.painter()
    rest = painter.placement.rest_weights
    uv, seen = dense_flow(painter, rest, 0.0, np.array(head), mouth=False)
    ours = whole.flow(np.array(head) / POSE_SCALE)
    assert np.array_equal(ours[..., 0] < NOWHERE, seen)
    y, x = np.mgrid[: uv.shape[0], : uv.shape[1]]
    apart = np.abs(ours + np.stack([x, y], -1) - uv)[seen]
    assert apart.mean() < 1e-2
    assert np.percentile(apart, 99) < 0.05


@pytest.mark.parametrize("head", HEADS)
def test_a_part_at_another_size_moves_alike(rig: BlendshapeActor, whole: Relief, head: tuple[float, ...]) -> None:
    part = Crop(40, 30, 0.5, (90, 80))
    ours = relief_of(rig, part).flow(np.array(head) / POSE_SCALE)
    there = whole.flow(np.array(head) / POSE_SCALE)[31:190:2, 41:220:2]
    both = (ours[..., 0] < NOWHERE) & (there[..., 0] < NOWHERE)
    assert both.mean() > 0.4
    # neighbouring cells of the two grids differ a little, and occlusions by a pixel
    assert np.percentile(np.abs(2 * ours - there)[both], 95) < 1.0


def test_no_seam_where_the_person_ends(rig: BlendshapeActor) -> None:
    """Pixels that nothing covers show what lies behind; none is drawn from far away."""
    from engines.disentangled.engine import DisentangledEngine

    engine = DisentangledEngine(registry.info("disentangled"))
    actor = engine.prepare(rig.portrait)
    still = Performance.rest(1, parse_rate("25"))
    turned = still.with_(head=np.array([HEADS[0]]))
    ours = next(engine.render(actor, turned)).astype(float)
    theirs = next(registry.load("blendshape").render(actor.rig, turned)).astype(float)
    apart = np.abs(ours - theirs).max(-1)
    assert (apart > 60).mean() < 1e-3
    assert 10 * np.log10(255**2 / np.square(ours - theirs).mean()) > 36
