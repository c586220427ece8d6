"""Speech to latent: Conformer encoder, pose adaptor, Conformer decoder (Du et al., "DAE-Talker", ACM MM 2023).

Speech leaves the pose open, so the network also predicts the pose, and is told the pose to go with: the true one
in training, afterwards the artist's. A projection adds it to the hidden states between encoder and decoder.
Blocks are Conformer's (Gulati et al., Interspeech 2020) with clipped relative positions (Shaw et al., NAACL 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POSE = 6


@dataclass(frozen=True)
class SpeechConfig:
    """The size of a speech network.

    Attributes
    ----------
    features : numbers of the sound at each moment
    layers : hidden layers of a speech model that come in, mixed by learnt shares; 0 where features come in alone
    code_dim : numbers of a code
    width, heads, feed_forward, kernel : of the blocks
    encoder_blocks, decoder_blocks : how many
    reach : frames beyond which all distances count alike
    dropout : in training
    """

    features: int
    layers: int = 0
    code_dim: int = 64
    width: int = 128
    heads: int = 2
    feed_forward: int = 256
    kernel: int = 13
    encoder_blocks: int = 2
    decoder_blocks: int = 2
    reach: int = 32
    dropout: float = 0.2

    def facts(self) -> dict[str, Any]:
        """As plain values, for a card."""
        return asdict(self)


class Attention(nn.Module):
    """Self-attention over time that knows how far apart two frames are."""

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__()
        self.heads, self.reach = config.heads, config.reach
        self.norm = nn.LayerNorm(config.width)
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.distance = nn.Parameter(torch.zeros(config.heads, 2 * config.reach + 1))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width)."""
        batch, count, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        at = torch.arange(count, device=x.device)
        apart = (at[None, :] - at[:, None]).clamp(-self.reach, self.reach) + self.reach
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=self.distance[:, apart].to(q.dtype))
        return self.dropout(self.out(h.transpose(1, 2).reshape(batch, count, width)))


class Convolution(nn.Module):
    """The convolution module of a Conformer block."""

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__()
        width = config.width
        self.norm, self.inner = nn.LayerNorm(width), nn.LayerNorm(width)
        self.first, self.last = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.deep = nn.Conv1d(width, width, config.kernel, padding=config.kernel // 2, groups=width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width)."""
        h = F.glu(self.first(self.norm(x)), dim=-1)
        h = self.deep(h.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.last(F.silu(self.inner(h))))


def feed_forward(config: SpeechConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(config.width),
        nn.Linear(config.width, config.feed_forward),
        nn.SiLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.feed_forward, config.width),
        nn.Dropout(config.dropout),
    )


class ConformerBlock(nn.Module):
    """Half a feed-forward step, attention, convolution, half a feed-forward step; all residual."""

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__()
        self.before, self.after = feed_forward(config), feed_forward(config)
        self.attention, self.convolution = Attention(config), Convolution(config)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width)."""
        x = x + 0.5 * self.before(x)
        x = x + self.attention(x)
        x = x + self.convolution(x)
        return self.norm(x + 0.5 * self.after(x))


class SpeechToLatent(nn.Module):
    """Sound to codes, with the pose as a control."""

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__()
        self.config = config
        self.shares = nn.Parameter(torch.zeros(config.layers)) if config.layers else None
        self.shrink = nn.Conv1d(config.features, config.width, 3, stride=2, padding=1)
        self.encoder = nn.Sequential(*(ConformerBlock(config) for _ in range(config.encoder_blocks)))
        self.pose_predictor = nn.Sequential(
            nn.Linear(config.width, config.width), nn.SiLU(), nn.Linear(config.width, POSE)
        )
        self.pose_projection = nn.Linear(POSE, config.width)
        self.decoder = nn.Sequential(*(ConformerBlock(config) for _ in range(config.decoder_blocks)))
        self.out = nn.Linear(config.width, config.code_dim)

    def hear(self, sound: Tensor) -> Tensor:
        """Hidden states (B, T, width) of sound (B, 2 T, features), or (B, layers, 2 T, features)."""
        if self.shares is not None:
            sound = torch.einsum("l,bltf->btf", self.shares.softmax(0), sound)
        hidden: Tensor = self.encoder(F.silu(self.shrink(sound.transpose(1, 2))).transpose(1, 2))
        return hidden

    def speak(self, hidden: Tensor, pose: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Codes (B, T, code_dim), and the pose (B, T, `POSE`) that the speech suggests.

        Parameters
        ----------
        hidden : from `hear`
        pose : (B, T, `POSE`) to go with, in units of `engines.teaching.bridge`; None: the suggested one
        """
        suggested: Tensor = self.pose_predictor(hidden)
        code: Tensor = self.out(self.decoder(hidden + self.pose_projection(suggested if pose is None else pose)))
        return code, suggested

    def forward(self, sound: Tensor, pose: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`hear`, then `speak`."""
        return self.speak(self.hear(sound), pose)


def in_windows(act: Callable[[int, int], Tensor], count: int, window: int, overlap: int) -> Tensor:
    """Something long, done in overlapping windows and cross-faded : (T, ...).

    Parameters
    ----------
    act : gives the result (stop - start, ...) for frames ``start`` to ``stop``
    count : frames in all
    window, overlap : frames of a window, and of what two neighbours share
    """
    if count <= window:
        return act(0, count)
    total: Tensor | None = None
    weight = torch.zeros(count)
    start = 0
    while True:
        stop = min(count, start + window)
        part = act(start, stop)
        rise = torch.ones(stop - start)
        ramp = (torch.arange(overlap) + 1) / (overlap + 1)
        if start > 0:
            rise[:overlap] = ramp
        if stop < count:
            rise[-overlap:] = ramp.flip(0)
        if total is None:
            total = part.new_zeros(count, *part.shape[1:])
        shaped = rise.view(-1, *[1] * (part.ndim - 1))
        total[start:stop] += shaped.to(part) * part
        weight[start:stop] += rise
        if stop == count:
            return total / weight.view(-1, *[1] * (part.ndim - 1)).to(total)
        start = stop - overlap
