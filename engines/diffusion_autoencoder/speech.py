"""From a voice to an actor's codes: features of the sound, learning from footage, and speaking with any voice.

Features come without downloads: Whisper's log-mel bands, which phone is spoken, and the mouth that
`engines.speech` hears. Where the user has the weights of wav2vec 2.0 or HuBERT in a folder, all their hidden layers can
come in instead, mixed by learnt shares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.errors import InputError, WeightsMissing
from engines.teaching import bridge

if TYPE_CHECKING:
    from fractions import Fraction

    from engines.diffusion_autoencoder.net_speech import SpeechConfig
    from engines.speech.analysis import SpeechAnalysis
    from engines.speech.audio import Voice

WINDOW_S, OVERLAP_S = 20.0, 4.0
LEAST_SPOKEN: Final = 150
"""Frames with a voice that learning to speak takes at least."""
_RATE_HZ: Final = 16000


@dataclass(frozen=True, eq=False)
class Heard:
    """A stretch of speech with what the face did.

    Attributes
    ----------
    sound : float32 (2 T, features), or (layers, 2 T, features)
    codes : float32 (T, code_dim), normalised
    pose : float32 (T, 6), in units of the bridge
    """

    sound: np.ndarray
    codes: np.ndarray
    pose: np.ndarray


@dataclass(frozen=True, eq=False)
class Speaker:
    """What was learnt of how an actor speaks.

    Attributes
    ----------
    config : `engines.diffusion_autoencoder.net_speech.SpeechConfig.facts`
    weights : numbers by name
    mean, std : (code_dim,), of the actor's codes
    model : folder of the speech model whose layers it hears; empty for the features that come along
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    mean: np.ndarray
    std: np.ndarray
    model: str = ""


def sound_of(voice: Voice, model: str, rate: Fraction, count: int, *, cancel: CancelToken | None = None) -> np.ndarray:
    """What a speaker hears of a voice: `hidden_layers` of ``model``, or `features` where that is empty."""
    samples = np.concatenate(list(voice.blocks()))
    if model:
        return hidden_layers(samples, Path(model), rate, count)
    from engines.speech.analysis import analyse

    return features(samples, analyse(voice, cancel=cancel), rate, count)


def features(samples: np.ndarray, speech: SpeechAnalysis, rate: Fraction, count: int) -> np.ndarray:
    """What comes along: log-mel bands, phones, mouth as heard : float32 (2 * count, F), two moments a frame.

    Parameters
    ----------
    samples : float32 (N,), mono 16 kHz
    speech : of the same sound
    rate, count : of the frames
    """
    from engines.speech.analysis import RATE
    from engines.speech.readout import GEOMETRY, PHONES
    from engines.speech.whisper import log_mel

    mel = log_mel(samples).T
    moments = (np.arange(2 * count) + 0.5) / (2 * float(rate))
    bands = _at(mel, moments * 100)
    phones = np.zeros((2 * count, len(PHONES)), np.float32)
    for phone in speech.phones:
        if phone.label in PHONES:
            inside = (moments >= phone.start_s) & (moments < phone.end_s)
            phones[inside, PHONES.index(phone.label)] = 1
    mouth = np.stack([speech.mouth[name] for name in GEOMETRY], 1) if speech.mouth else np.zeros((1, len(GEOMETRY)))
    return np.concatenate([bands, phones, _at(mouth, moments * RATE)], 1).astype(np.float32)


def hidden_layers(samples: np.ndarray, folder: Path, rate: Fraction, count: int) -> np.ndarray:
    """All hidden layers of a wav2vec 2.0 or HuBERT model : float32 (layers, 2 * count, D).

    Parameters
    ----------
    folder : as transformers saves a model (config.json, model.safetensors); nothing is downloaded

    Raises
    ------
    WeightsMissing
        If transformers is not installed, or the folder holds no such model.
    """
    import torch

    try:
        from transformers import AutoModel
    except ImportError as error:
        raise WeightsMissing("Speech models need transformers: pip install transformers") from error
    try:
        model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    except (OSError, ValueError) as error:
        raise WeightsMissing(
            f"{folder} holds no speech model that can be read: {error}. Give the folder of a wav2vec 2.0 or HuBERT "
            "model (config.json and model.safetensors)."
        ) from error
    spread = float(samples.std()) or 1.0
    with torch.inference_mode():
        out = model(torch.from_numpy((samples - samples.mean()) / spread)[None], output_hidden_states=True)
    moments = (np.arange(2 * count) + 0.5) / (2 * float(rate))
    return np.stack([_at(h[0].numpy(), moments * len(h[0]) / (len(samples) / _RATE_HZ)) for h in out.hidden_states])


def _at(track: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows of a track (N, F) at fractional places, value ``j`` being the middle of ``j`` to ``j + 1``."""
    at = np.clip(places - 0.5, 0, max(0, len(track) - 1))
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(track) - 1)
    share = (at - low)[:, None]
    return np.asarray(track[low] * (1 - share) + track[high] * share, np.float32)


def learn(
    heard: list[Heard],
    config: SpeechConfig,
    *,
    steps: int = 600,
    seed: int = 1,
    device: str = "cpu",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Learn to speak; the last eighth of every stretch checks it.

    Losses are those of latent and pose, and of the latent's change from frame to frame. The state with the best
    check is kept, and learning ends when it has not got better for a third of ``steps``.

    Returns
    -------
    weights by name; figures: ``unseen`` and ``unseen_mean`` (mean error of normalised codes, and of saying the mean)

    Raises
    ------
    InputError
        If there is too little speech.
    """
    import torch
    import torch.nn.functional as F

    from engines.diffusion_autoencoder.net_speech import SpeechToLatent
    from engines.diffusion_autoencoder.train import half

    total = sum(len(h.codes) for h in heard)
    if total < LEAST_SPOKEN:
        raise InputError(
            f"{total} frames with a voice are too few to learn how somebody speaks. Give {LEAST_SPOKEN} at least; "
            "minutes make it good."
        )
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = SpeechToLatent(config).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.02)
    cuts = [len(h.codes) - max(8, len(h.codes) // 8) for h in heard]
    shares = np.array(cuts) / sum(cuts)
    best, kept, waited = np.inf, half(model), 0
    look = max(1, steps // 24)
    crop = min(150, min(cuts))

    def piece(h: Heard, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        parts = h.sound[..., 2 * start : 2 * stop, :], h.codes[start:stop], h.pose[start:stop]
        sound, codes, pose = (torch.from_numpy(np.ascontiguousarray(p))[None].to(device) for p in parts)
        return sound, codes, pose

    for step in range(steps):
        if cancel is not None:
            cancel.check()
        model.train()
        loss = torch.zeros((), device=device)
        for _ in range(4):
            k = int(rng.choice(len(heard), p=shares))
            start = int(rng.integers(0, cuts[k] - crop + 1))
            sound, codes, pose = piece(heard[k], start, start + crop)
            said, suggested = model(sound, pose)
            loss = loss + F.l1_loss(said, codes) + 0.5 * F.mse_loss(suggested, pose)
            loss = loss + F.l1_loss(said.diff(dim=1), codes.diff(dim=1))
        optimiser.zero_grad()
        (loss / 4).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * min(1.0, (step + 1) / 40) * 0.5 * (1 + np.cos(np.pi * step / steps))
        optimiser.step()
        if (step + 1) % look == 0 or step + 1 == steps:
            model.eval()
            with torch.no_grad():
                errors = []
                for h, cut in zip(heard, cuts, strict=True):
                    sound, codes, pose = piece(h, cut, len(h.codes))
                    errors.append((model(sound, pose)[0] - codes).abs().mean((0, 2)).cpu().numpy())
            unseen = float(np.concatenate(errors).mean())
            waited += 1
            if unseen < best:
                best, kept, waited = unseen, half(model), 0
            progress((step + 1) / steps, "Learning to speak")
            if waited >= 8:
                break
    mean = float(np.mean([np.abs(h.codes[c:]).mean() for h, c in zip(heard, cuts, strict=True)]))
    return kept, {"unseen": round(best, 4), "unseen_mean": round(mean, 4)}


class Mouthpiece:
    """A `Speaker`, ready to speak."""

    def __init__(self, speaker: Speaker) -> None:
        import torch

        from engines.diffusion_autoencoder.net_speech import SpeechConfig, SpeechToLatent

        self.speaker = speaker
        self.model = SpeechToLatent(SpeechConfig(**speaker.config)).eval().requires_grad_(False)
        try:
            self.model.load_state_dict(
                {name: torch.from_numpy(np.asarray(v, np.float32)) for name, v in speaker.weights.items()}
            )
        except RuntimeError as error:
            raise WeightsMissing("The actor's speech network is damaged. Train the actor again.") from error

    def hear(self, sound: np.ndarray, rate: Fraction, cancel: CancelToken | None = None) -> np.ndarray:
        """Hidden states (T, width) of features (2 T, F) or (layers, 2 T, F), in overlapping windows."""
        import torch

        from engines.diffusion_autoencoder.net_speech import in_windows

        def act(start: int, stop: int) -> torch.Tensor:
            if cancel is not None:
                cancel.check()
            part = np.ascontiguousarray(sound[..., 2 * start : 2 * stop, :])
            return self.model.hear(torch.from_numpy(part)[None])[0]

        window, overlap = round(WINDOW_S * float(rate)), round(OVERLAP_S * float(rate))
        with torch.inference_mode():
            hidden: np.ndarray = in_windows(act, sound.shape[-2] // 2, window, overlap).numpy()
        return hidden

    def speak(self, hidden: np.ndarray, pose: np.ndarray | None, rate: Fraction) -> np.ndarray:
        """Codes (T, code_dim) that go with a pose (T, 6), in units of the bridge; None: with the suggested one."""
        import torch

        from engines.diffusion_autoencoder.net_speech import in_windows

        def act(start: int, stop: int) -> torch.Tensor:
            given = None if pose is None else torch.from_numpy(np.asarray(pose[start:stop], np.float32))[None]
            return self.model.speak(torch.from_numpy(hidden[start:stop])[None], given)[0][0]

        window, overlap = round(WINDOW_S * float(rate)), round(OVERLAP_S * float(rate))
        with torch.inference_mode():
            said = in_windows(act, len(hidden), window, overlap).numpy()
        return np.asarray(said * self.speaker.std + self.speaker.mean, np.float32)


def save_speaker(speaker: Speaker, path: Path) -> None:
    """Write beside an actor's network."""
    from safetensors.numpy import save_file

    facts = {"config": json.dumps(speaker.config), "model": speaker.model}
    partial = path.with_suffix(".part")
    save_file({**speaker.weights, "codes.mean": speaker.mean, "codes.std": speaker.std}, partial, facts)
    partial.replace(path)


def load_speaker(path: Path) -> Speaker | None:
    """What `save_speaker` wrote; None where there is none.

    Raises
    ------
    WeightsMissing
        If the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as file:
            facts = file.metadata()
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        mean, std = arrays.pop("codes.mean"), arrays.pop("codes.std")
        return Speaker(json.loads(facts["config"]), arrays, mean, std, facts["model"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise WeightsMissing(f"The actor's speech network {path} cannot be read: {error}. Train it again.") from error


def mouth_of(codes: np.ndarray, known: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Codes with the mouth that was heard : float32 (T, COUNT).

    Parameters
    ----------
    codes : (T, code_dim), as spoken
    known : (T, COUNT), of the performance
    share : (T,), 0 the performance's own mouth to 1 the heard one
    """
    result = known.copy()
    heard = codes[:, bridge.MOUTH]
    result[:, bridge.MOUTH] += share[:, None] * (heard - known[:, bridge.MOUTH])
    return result
