"""Official StyleGAN2 checkpoints: the two key namings, and what a file's keys say about the network.

"Rosinality" is the naming of rosinality/stylegan2-pytorch, which e4e and pSp share; "NVIDIA" is that of
stylegan2-ada-pytorch. The stored numbers are the same; no kernel is flipped (verified on both implementations).
Networks that NVIDIA trained with ``conv_clamp`` limit activations to 256, which a converted network does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines import checkpoint
from engines.errors import WeightsMissing
from engines.stylegan.unpickle import read_pickle

if TYPE_CHECKING:
    from torch import Tensor

    from engines.stylegan.net import Config, Generator
    from engines.stylegan.net_encoders import FaceEncoder

_BLOCK = re.compile(r"synthesis\.b(\d+)\.(.+)")


def config_of(state: Mapping[str, Tensor]) -> Config:
    """The architecture that a rosinality state dict belongs to.

    Raises
    ------
    WeightsMissing
        If the keys are not those of a StyleGAN2 generator.
    """
    from engines.stylegan.net import Config

    noises = sum(key.startswith("noises.") for key in state)
    levels = (noises - 1) // 2
    if noises < 3 or "input.input" not in state or f"convs.{2 * levels - 1}.conv.weight" not in state:
        raise WeightsMissing(
            "The file holds no StyleGAN2 generator: its noise maps or convolutions are absent. "
            "Choose a generator checkpoint (rosinality .pt, NVIDIA .pkl, e4e or pSp bundle)."
        )
    size = 4 << levels
    finest = state[f"convs.{2 * levels - 1}.conv.weight"].shape[1]
    largest = state["input.input"].shape[1]
    per_side = finest * size / 16384
    return Config(
        size=size,
        style_dim=state["conv1.conv.modulation.weight"].shape[1],
        mapping_layers=sum(re.fullmatch(r"style\.\d+\.weight", key) is not None for key in state),
        channel_multiplier=2 if finest == largest else int(per_side) if per_side.is_integer() else per_side,
        max_channels=largest,
    )


def nvidia_to_rosinality(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Tensor | None]:
    """A generator's state dict under rosinality names, and the average latent.

    Raises
    ------
    WeightsMissing
        If a key is not part of an unconditional StyleGAN2 generator.
    """
    from engines.stylegan.net_layers import fir_kernel

    out: dict[str, Tensor] = {}
    average: Tensor | None = None
    for key, value in state.items():
        if key == "mapping.w_avg":
            average = value
        elif match := re.fullmatch(r"mapping\.fc(\d+)\.(weight|bias)", key):
            out[f"style.{int(match[1]) + 1}.{match[2]}"] = value
        elif (match := _BLOCK.fullmatch(key)) and not match[2].endswith("resample_filter"):
            level = int(match[1]).bit_length() - 3  # -1 was 2 px, 0 is 4 px, 1 is 8 px
            name, converted = _from_nvidia(level, match[2], value)
            out[name] = converted
        elif match is None:
            raise WeightsMissing(
                f"The generator has the part '{key}', which StyleGAN2 without conditions does not have. "
                "Choose an unconditional StyleGAN2 generator (StyleGAN3 and conditional ones are not supported)."
            )
    for key in [k for k in out if re.fullmatch(r"convs\.\d*[02468]\.conv\.weight", k)]:
        out[key.replace("conv.weight", "conv.blur.kernel")] = fir_kernel(4.0)
    for key in [k for k in out if re.fullmatch(r"to_rgbs\.\d+\.bias", k)]:
        out[key.replace("bias", "upsample.kernel")] = fir_kernel(4.0)
    return out, average


def _from_nvidia(level: int, part: str, value: Tensor) -> tuple[str, Tensor]:
    """Rosinality name and value of one tensor; ``level`` 0 is 4 px, 1 is 8 px."""
    if part == "const":
        return "input.input", value[None]
    layer, _, rest = part.partition(".")
    if layer == "torgb":
        base = "to_rgb1" if level == 0 else f"to_rgbs.{level - 1}"
        if rest == "bias":
            return f"{base}.bias", value.reshape(1, -1, 1, 1)
    else:
        index = 2 * (level - 1) + int(layer == "conv1")
        base = "conv1" if level == 0 else f"convs.{index}"
        if rest == "noise_const":
            return f"noises.noise_{0 if level == 0 else index + 1}", value[None, None]
        if rest == "noise_strength":
            return f"{base}.noise.weight", value.reshape(1)
        if rest == "bias":
            return f"{base}.activate.bias", value
    if rest == "weight":
        return f"{base}.conv.weight", value[None]
    return f"{base}.conv.modulation.{rest.removeprefix('affine.')}", value


def rosinality_to_nvidia(state: Mapping[str, Tensor], average: Tensor) -> dict[str, Tensor]:
    """A generator's state dict under NVIDIA names; the inverse of `nvidia_to_rosinality`.

    Parameters
    ----------
    average : (style_dim,), the latent average that NVIDIA keeps in the mapping network
    """
    from engines.stylegan.net_layers import fir_kernel

    out: dict[str, Tensor] = {"mapping.w_avg": average}
    for key, value in state.items():
        parts = key.split(".")
        if parts[-1] == "kernel":
            continue
        if parts[0] == "style":
            out[f"mapping.fc{int(parts[1]) - 1}.{parts[2]}"] = value
        elif key == "input.input":
            out["synthesis.b4.const"] = value[0]
        elif parts[0] == "noises":
            index = int(parts[1].removeprefix("noise_"))
            out[f"synthesis.{_nvidia_conv(index)}.noise_const"] = value[0, 0]
        elif parts[0] in ("to_rgb1", "to_rgbs"):
            level = 0 if parts[0] == "to_rgb1" else int(parts[1]) + 1
            out.update([_to_nvidia(f"b{4 << level}.torgb", key, value)])
        else:
            index = 0 if parts[0] == "conv1" else int(parts[1]) + 1
            out.update([_to_nvidia(_nvidia_conv(index), key, value)])
    for conv in {key.rsplit(".", 1)[0] for key in out if key.endswith("noise_strength")}:
        out[f"{conv}.resample_filter"] = fir_kernel()
        out[f"{conv.rsplit('.', 1)[0]}.resample_filter"] = fir_kernel()
    return out


def _nvidia_conv(index: int) -> str:
    """NVIDIA's name of the ``index``-th convolution, counted from 4 px."""
    level = (index + 1) // 2
    return f"b{4 << level}.{'conv1' if index == 0 or index % 2 == 0 else 'conv0'}"


def _to_nvidia(base: str, key: str, value: Tensor) -> tuple[str, Tensor]:
    if ".modulation." in key:
        return f"synthesis.{base}.affine.{key.rsplit('.', 1)[1]}", value
    if key.endswith("noise.weight"):
        return f"synthesis.{base}.noise_strength", value.reshape(())
    if key.endswith("conv.weight"):
        return f"synthesis.{base}.weight", value[0]
    return f"synthesis.{base}.bias", value.flatten()


@dataclass
class LoadedGenerator:
    """What a generator checkpoint holds.

    Attributes
    ----------
    generator : the averaged (EMA) generator
    average : (style_dim,) mean latent w, or None where the file has none
    moves : (35, layers, style_dim), what one unit of each number adds to W+; only of generators trained here
    people : (P, style_dim), latents of those it was trained with; only of generators trained here
    """

    generator: Generator
    average: Tensor | None
    moves: Tensor | None = None
    people: Tensor | None = None


@dataclass
class LoadedEncoder:
    """What an e4e or pSp bundle holds.

    Attributes
    ----------
    encoder : portrait to W+ code, relative to ``average``
    average : (rows, 512), added to every code
    decoder : the generator that the encoder was trained with
    """

    encoder: FaceEncoder
    average: Tensor
    decoder: LoadedGenerator

    @property
    def kind(self) -> str:
        """``e4e`` or ``psp``."""
        return self.encoder.config.kind


def load_generator(path: Path) -> LoadedGenerator:
    """A StyleGAN2 generator from a rosinality ``.pt``, an NVIDIA ``.pkl``, or an e4e or pSp bundle.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.checkpoint`; also for networks that are not StyleGAN2.
    """
    if checkpoint.sniff(path) == "pickle":
        networks = read_pickle(path)
        name = next((n for n in ("G_ema", "G") if n in networks), None)
        if name is None:
            raise WeightsMissing(f"{path} holds no generator, only: {', '.join(networks)}.")
        return _generator(*nvidia_to_rosinality(networks[name]), path)
    content = checkpoint.read(path)
    if isinstance(content, Mapping) and "state_dict" in content:
        return load_encoder(path, content).decoder
    state = checkpoint.part(content, path, "g_ema", "g")
    if any(key.startswith("synthesis.") for key in state):
        return _generator(*nvidia_to_rosinality(state), path)
    return _generator(state, content.get("latent_avg"), path)


def load_own(path: Path) -> LoadedGenerator:
    """A generator that ``soliloquy train stylegan`` made.

    Raises
    ------
    WeightsMissing, OutOfMemory
        See `engines.checkpoint`; also for files that it did not make.
    """
    import torch

    content = checkpoint.read(path)
    state = checkpoint.part(content, path)
    moves, average, people = (state.pop(name, None) for name in ("moves", "latent_avg", "people"))
    if moves is None or average is None or people is None:
        raise WeightsMissing(
            f"{path} is no generator that Soliloquy trained: 'moves', 'people' or 'latent_avg' is absent. Import "
            "generators of others under the name that their publisher gave them, or with --as."
        )
    loaded = _generator(state, average, path)
    moves, people = moves.float(), people.float()
    config = loaded.generator.config
    fits = moves.shape[1:] == (config.layers, config.style_dim) and people.shape[1:] == (config.style_dim,)
    if not fits or not all(bool(torch.isfinite(t).all()) for t in (moves, people)):
        raise WeightsMissing(f"{path} is damaged: 'moves' or 'people' do not fit its generator. Train it again.")
    loaded.moves, loaded.people = moves, people
    return loaded


def load_encoder(path: Path, content: Any = None) -> LoadedEncoder:
    """An e4e or pSp bundle; errors as `load_generator`.

    Parameters
    ----------
    content : the file, if it was read before
    """
    import torch

    from engines.stylegan.net_encoders import EncoderConfig, FaceEncoder

    content = checkpoint.read(path) if content is None else content
    state = checkpoint.part(content, path, "state_dict")
    encoder = {k.removeprefix("encoder."): v for k, v in state.items() if k.startswith("encoder.")}
    decoder = {k.removeprefix("decoder."): v for k, v in state.items() if k.startswith("decoder.")}
    average = content.get("latent_avg")
    if not encoder or not decoder or not isinstance(average, torch.Tensor):
        raise WeightsMissing(
            f"{path} is no e4e or pSp bundle: it needs 'encoder.*', 'decoder.*' and 'latent_avg'. "
            "Choose the file that the encoder's authors publish."
        )
    rows = sum(re.fullmatch(r"styles\.\d+\.linear\.weight", key) is not None for key in encoder)
    options = content.get("opts")
    kind = (options.get if isinstance(options, Mapping) else lambda key, default: getattr(options, key, default))(
        "encoder_type", "Encoder4Editing"
    )
    with torch.device("meta"):
        model = FaceEncoder(EncoderConfig(rows, "e4e" if kind == "Encoder4Editing" else "psp"))
    model = checkpoint.load_strict(model, encoder, path, "an e4e or pSp encoder")
    average = average.float()
    average = average.expand(rows, -1) if average.ndim == 1 else average
    return LoadedEncoder(model, average, _generator(decoder, average[0], path))


def _generator(state: Mapping[str, Tensor], average: Tensor | None, path: Path) -> LoadedGenerator:
    import torch

    from engines.stylegan.net import Generator

    try:
        config = config_of(state)
    except WeightsMissing as error:
        raise WeightsMissing(f"{path}: {error}") from None
    with torch.device("meta"):
        model = Generator(config)
    model = checkpoint.load_strict(model, state, path, f"a StyleGAN2 generator of {config.size} px")
    return LoadedGenerator(model, None if average is None else average.float())
