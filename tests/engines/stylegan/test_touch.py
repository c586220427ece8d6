"""The small generator of the mouth: what it learns, where its change goes, and that it never makes things worse."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.api import Performance, RenderOptions
from engines.errors import WeightsMissing
from engines.stylegan import net_touch, numbers, touch
from engines.stylegan.engine import StyleGANEngine
from engines.stylegan.net_touch import Mouths
from engines.stylegan.taught import TaughtActor
from engines.stylegan.touch import Square, Touch
from engines.teaching.lessons import lessons

SIZE = RenderOptions(size=(160, 160))


def painted(actor: TaughtActor) -> Touch:
    """A generator that makes mouths redder as the first channel says."""
    model = net_touch.Touch(1)
    with torch.no_grad():
        for _, _, rgb in model.generator.blocks():
            rgb.bias.zero_()
        model.generator.to_rgb1.bias[:] = torch.tensor([1.0, 0, 0])[None, :, None, None]
    weights = {n: np.ascontiguousarray(v.detach().half().numpy()) for n, v in model.state_dict().items()}
    return Touch(weights, Square.around(actor), 1.0, 30.0, 31.0)


def test_untaught_one_changes_nothing() -> None:
    model = net_touch.Touch(2)
    assert float(model(model.people, torch.randn(2, numbers.COUNT)).detach().abs().max()) == 0


def test_it_learns_what_channels_lack() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(48, numbers.COUNT)).astype(np.float32)
    grey = np.full((48, 64, 64, 3), 120, np.uint8)
    wanted = grey.copy()
    wanted[:, 24:40, 24:40] = np.clip(120 + 30 * values[:, 3], 0, 255).astype(np.uint8)[:, None, None, None]
    mouths = Mouths(wanted, grey, values, np.zeros(48, int))
    torch.manual_seed(1)
    model = net_touch.Touch(1)
    net_touch.learn(model, mouths.part(slice(8, None)), 40, adversarial=0.001)
    unseen = mouths.part(slice(8))
    before = np.square(grey[:8].astype(float) - unseen.pictures).mean()
    assert np.square(net_touch.drawn(model, unseen) - unseen.pictures).mean() < 0.8 * before


def test_angles_do_not_matter_to_it() -> None:
    torch.manual_seed(1)
    model = net_touch.Touch(1)
    torch.nn.init.normal_(model.generator.to_rgb1.conv.weight)
    values = torch.randn(1, numbers.COUNT)
    turned = values.clone()
    turned[:, :3] = 20
    torch.testing.assert_close(model(model.people, values), model(model.people, turned))


def test_square_there_and_back() -> None:
    square = Square(10.5, 6.25, 24.0)
    y, x = np.mgrid[:48, :64].astype(np.float32)
    picture = np.stack([x, y, x + y], -1)
    back = square.laid(square.cut(picture, 32), (48, 64))
    inside = np.s_[12:24, 16:30]
    np.testing.assert_allclose(back[inside], picture[inside], atol=0.6)


def test_change_stays_at_the_mouth_and_rest_is_the_photo(engine: StyleGANEngine, taught: TaughtActor) -> None:
    asked = lessons(4, 6, head=False, expression=False)
    plain = np.stack(list(engine.render(replace(taught, touch=None), asked, options=SIZE))).astype(int)
    redder = replace(taught, touch=painted(taught))
    change = np.stack(list(engine.render(redder, asked, options=SIZE))).astype(int) - plain
    places = taught.rig.crop((160, 160)).places(taught.rig.landmarks.points[:, :2])
    x, y = places[[61, 291], :].mean(0).round().astype(int)
    assert change[:, y - 3 : y + 4, x - 4 : x + 5, 0].mean() > 10
    assert np.abs(change[:, : int(places[168, 1])]).max() == 0
    still = next(engine.render(redder, Performance.rest(1, Fraction(25)), options=SIZE))
    assert np.abs(still.astype(int) - taught.rig.painter((160, 160)).photo).max() <= 1


def test_one_that_does_not_help_is_not_used(taught: TaughtActor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touch, "_LESSONS", 8)
    monkeypatch.setattr(touch, "_UNSEEN", 4)
    monkeypatch.setattr(touch, "_STEPS", 1)
    monkeypatch.setattr(touch, "SHIPPED", Path("nowhere"))
    assert touch.teach_touch(taught) is None


def test_one_of_another_version_is_refused(taught: TaughtActor) -> None:
    made = painted(taught)
    with pytest.raises(WeightsMissing, match="another version"):
        touch.network(replace(made, weights={"a": np.zeros(3, np.float16)}))
