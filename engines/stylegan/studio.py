"""Bringing a portrait into the latent space of the user's generator, and drawing it from there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.api import CancelToken, Progress
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.errors import WeightsMissing
from engines.latent.crop import match_colours
from engines.stylegan import bridge, edits, generators
from engines.stylegan.actor import StyleGANActor
from engines.stylegan.align import align
from engines.stylegan.edits import Edit
from engines.stylegan.generators import Chosen
from engines.stylegan.placing import Follower

if TYPE_CHECKING:
    from torch import Tensor

    from engines.stylegan.convert import LoadedEncoder, LoadedGenerator
    from engines.stylegan.net import Generator
    from engines.stylegan.net_invert import Inversion

AT_HOME_DB: Final = 28.0
"""A person of the generator's own who is drawn better than this is the one in the portrait."""
KNOWN: Final = 2048
"""Faces of a generator whose mean and spread a portrait is sought by."""
_LAID: Final = 0.55
"""Where in the work of `enter` the bridge begins."""


class Drawer:
    """Draws an actor's pictures from amounts of its directions.

    Parameters
    ----------
    loaded : with its generator on its device, the actor's own tuned one where it has one
    actor : whose
    named : the generator's edits

    Attributes
    ----------
    loaded, generator, size : the network and the side of its pictures
    names : of the edits
    """

    def __init__(self, loaded: LoadedGenerator, actor: StyleGANActor, named: Sequence[Edit] = ()) -> None:
        import torch

        from engines.stylegan.net_edits import laid
        from engines.stylegan.net_fast import Synthesizer
        from engines.stylegan.net_reach import Layout

        self.loaded, self.generator = loaded, (generator := loaded.generator)
        self.size, device = generator.config.size, next(generator.parameters()).device
        self._draw, self._layout = Synthesizer(generator), Layout(generator)
        self.start = torch.from_numpy(actor.start).to(device)[None]
        self.basis = torch.from_numpy(actor.basis).to(device)
        self.names = tuple(edit.name for edit in named)
        self._edits = laid(generator, named)

    def __call__(self, amounts: np.ndarray, edits: np.ndarray | None = None) -> np.ndarray:
        """Pictures of amounts (B, K) and of edits (B, E) : float32 (B, size, size, 3), 0 to 255."""
        import torch

        with torch.inference_mode():
            styles = self.start + self._tensor(amounts) @ self.basis
            if edits is not None:
                styles = styles + self._tensor(edits) @ self._edits
            return pictures_of(self._draw(self._layout.split(styles)))

    def _tensor(self, values: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.start.device)


def drawer(actor: StyleGANActor, device: str) -> Drawer:
    """What draws an actor.

    Raises
    ------
    WeightsMissing
        If the checkpoint it was prepared with, or what was tuned of it, is gone or another one.
    """
    chosen = generators.choose()
    if chosen is None or (chosen.entry, chosen.sha256) != (actor.entry, actor.sha256):
        raise WeightsMissing(
            f"This portrait was prepared with the weights '{actor.entry}', which are no longer in use. "
            "Prepare the portrait again, or import them anew."
        )
    loaded = generators.load(chosen)[0]
    if actor.tuned:
        _restore(loaded.generator, chosen, actor.tuned)
    loaded.generator.to(device).eval().requires_grad_(False)
    return Drawer(loaded, actor, edits.kept(chosen))


def enter(
    rig: BlendshapeActor,
    painter: BlendshapeEngine,
    chosen: Chosen,
    digest: str,
    device: str,
    *,
    progress: Progress,
    cancel: CancelToken,
) -> StyleGANActor:
    """Find a portrait in the latent space of a generator and fit the bridge to it.

    Raises
    ------
    WeightsMissing
        If the checkpoint is not what it should be.
    """
    import torch

    from engines.stylegan.net_invert import Effort, invert
    from engines.stylegan.net_reach import Layout, Reach, faces

    progress(0.0, "Loading the generator")
    loaded, encoder = generators.load(chosen)
    generator = loaded.generator.to(device)
    size = generator.config.size
    follower = Follower.of(rig)
    picture = align(rig.portrait.rgb, follower.crop, size)
    target = tensor_of(picture[None], device)

    def part(low: float, high: float, what: str) -> Any:
        def advance(done: float) -> None:
            cancel.check()
            progress(low + (high - low) * done, what)

        return advance

    part(0.02, 0.05, "Looking for the portrait in the generator")(0.0)
    start = None if encoder is None else _encoded(encoder, align(rig.portrait.rgb, follower.crop, 256), device)
    found = at_home(loaded, target)
    knows = found is not None
    if found is None:
        found = invert(
            generator, target, start, Effort.of(size, device),
            part(0.05, 0.35, "Looking for the portrait in the generator"), known=faces(loaded, KNOWN, seed=9, psi=1.0),
        )  # fmt: skip
    layout = Layout(generator)
    basis, parts = _directions(loaded, chosen, layout, part(0.35, _LAID, "Finding the channels of the face"))
    with torch.no_grad():
        flat = layout.flat(found.generator.styles(found.wplus))
        drawn = pictures_of(found.generator.synthesis(layout.split(flat)))[0]
    reach = Reach(found.generator, layout, flat, torch.from_numpy(basis).to(device))
    fitted = bridge.fit(
        rig, painter, follower, reach, own=loaded.moves is not None,
        steps=0 if knows else bridge.refinement(size, device),
        advance=part(_LAID, 1.0, "Learning how the generator moves this face"), cancel=cancel,
    )  # fmt: skip
    tuned = ""
    if found.generator is not generator:
        tuned = _keep(found.generator, chosen, digest)
    refused = [e.part for e in fitted.exams if e.problem]
    progress(1.0, f"Ready; the rig draws what the generator cannot: {', '.join(refused)}" if refused else "Ready")
    return StyleGANActor(
        rig, follower, flat[0].cpu().numpy(), basis, parts, fitted, match_colours(drawn, picture.astype(np.float32)),
        f"{found.told()}; {fitted.told()}", chosen.entry, chosen.sha256, tuned, digest,
    )  # fmt: skip


def at_home(loaded: LoadedGenerator, target: Tensor, least_db: float = AT_HOME_DB) -> Inversion | None:
    """The person of a generator trained here who a portrait (1, 3, S, S) shows, or None.

    Such a latent is not improved upon: a search draws the one picture better and what the person does worse.
    """
    import torch

    from engines.stylegan.net_invert import Inversion
    from engines.stylegan.net_losses import decibel

    if loaded.people is None:
        return None
    generator = loaded.generator
    codes = generator.wplus(loaded.people.to(target))
    with torch.no_grad():
        found = [decibel(generator(code[None]), target) for code in codes]
    best = int(np.argmax(found))
    return Inversion(codes[best : best + 1], generator, found[best], found[best]) if found[best] > least_db else None


def _encoded(encoder: LoadedEncoder, picture: np.ndarray, device: str) -> Tensor:
    """The W+ code (1, layers, dim) of an aligned picture of 256 px."""
    import torch

    with torch.no_grad():
        network = encoder.encoder.to(device)
        code: Tensor = network(tensor_of(picture[None], device)) + encoder.average.to(device)
    return code


def _directions(
    loaded: LoadedGenerator, chosen: Chosen, layout: Any, advance: Any
) -> tuple[np.ndarray, tuple[str, ...]]:
    """A unit of the 32 channels and of what turns the head : float32 (K, count); what each channel moves."""
    import torch

    from engines.stylegan.net_search import VERSION, Channels, search

    if loaded.moves is not None:  # trained here: the numbers have directions of their own
        with torch.no_grad():
            generator = loaded.generator
            moves = loaded.moves.to(next(generator.parameters()).device)
            zero = layout.flat(generator.styles(torch.zeros_like(moves[:1])))
            rows = (layout.flat(generator.styles(moves)) - zero).cpu().numpy()
        advance(1.0)
        return np.concatenate([rows[3:], rows[:3]]), ("mouth",) * 20 + ("face",) * 12
    path = chosen.folder / f"channels-{VERSION}.npz"
    found = Channels.load(path)
    if found is None or found.poses.shape[1] != layout.count:
        found = search(loaded.generator, advance)
        found.save(path)
    return found.basis(layout.count), found.parts


def _keep(generator: Generator, chosen: Chosen, name: str) -> str:
    """Keep a tuned generator with its checkpoint; empty if there is no room, then the actor does without."""
    from safetensors.torch import save_file

    path = chosen.folder / "tuned" / f"{name}.safetensors"
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({k: v.detach().cpu().contiguous() for k, v in generator.state_dict().items()}, partial)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise WeightsMissing(
            f"What was tuned for this portrait could not be written to {path.parent}: {error.strerror or error}. "
            "Free some space there."
        ) from error
    return name


def _restore(generator: Generator, chosen: Chosen, name: str) -> None:
    """Fill a generator with what was tuned of it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = chosen.folder / "tuned" / f"{name}.safetensors"
    try:
        generator.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsMissing(
            f"What was tuned for this portrait is gone or damaged ({path}). Prepare the portrait again."
        ) from error


def tensor_of(pictures: np.ndarray, device: str) -> Tensor:
    """uint8 (N, S, S, 3) as the networks take them : (N, 3, S, S) in [-1, 1]."""
    import torch

    moved = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(device)
    return moved.float().div_(127.5).sub_(1)


def pictures_of(images: Tensor) -> np.ndarray:
    """The inverse of `tensor_of` : float32 (N, S, S, 3), 0 to 255."""
    moved = (images.clamp(-1, 1) + 1) * 127.5
    return np.ascontiguousarray(moved.permute(0, 2, 3, 1).float().cpu().numpy())
