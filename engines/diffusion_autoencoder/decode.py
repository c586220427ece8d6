"""Codes and moved portraits become pictures: the actor's network, ready to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken
from engines.diffusion_autoencoder.actor import Network
from engines.errors import InputError, OutOfMemory

if TYPE_CHECKING:
    import torch

STEPS: Final = 1
"""Network passes of a frame by default: as good as 100 within a tenth of a decibel (`tests.benchmarks.dae steps`)."""


class Decoder:
    """A network on a device.

    Parameters
    ----------
    network : of an actor
    device : of torch
    """

    def __init__(self, network: Network, device: str = "cpu") -> None:
        import torch

        from engines.diffusion_autoencoder.net_student import Student, StudentConfig, shared_noise
        from engines.diffusion_autoencoder.train import fill

        self.network, self.device = network, device
        config = StudentConfig.from_facts(network.config)
        self.model = fill(Student(config), network.weights).eval().requires_grad_(False).to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.noise = shared_noise(network.seed, config).to(device)
        self.size = config.size

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Codes (N, code_dim) of pictures, uint8 (N, size, size, 3)."""
        import torch

        from engines.diffusion_autoencoder.train import tensor

        with torch.inference_mode():
            codes: np.ndarray = self.model.encode(tensor(pictures, self.device)).cpu().numpy()
        return codes

    def decode(
        self,
        codes: np.ndarray,
        references: np.ndarray,
        steps: int = STEPS,
        *,
        noise: torch.Tensor | None = None,
        cancel: CancelToken | None = None,
    ) -> np.ndarray:
        """Pictures of codes : float32 (N, size, size, 3), 0 to 255.

        Parameters
        ----------
        codes : float32 (N, up to code_dim); what is missing is 0
        references : uint8 (N, size, size, 3), the portrait moved in closed form
        steps : network passes
        noise : x_T of all frames; by default the actor's own

        Raises
        ------
        OutOfMemory
            If the device has too little.
        """
        import torch

        from engines.diffusion_autoencoder.net_sampling import TRAINING_STEPS, Sampler
        from engines.diffusion_autoencoder.net_student import student_steps
        from engines.diffusion_autoencoder.train import pictures, tensor

        if not 1 <= steps <= TRAINING_STEPS:
            raise InputError(f"{steps} denoising steps are not possible. Choose 1 to {TRAINING_STEPS}.")
        full = np.zeros((len(codes), self.model.config.code_dim), np.float32)
        full[:, : codes.shape[1]] = codes
        try:
            with torch.inference_mode():
                reference = tensor(references, self.device)
                start = (self.noise if noise is None else noise).expand(len(codes), -1, -1, -1)
                sampler = Sampler(steps=student_steps(steps))
                drawn = sampler.decode(
                    self.model, start, torch.from_numpy(full).to(self.device), reference=reference, cancel=cancel
                )
                return pictures(drawn)
        except (torch.cuda.OutOfMemoryError, MemoryError) as error:
            raise OutOfMemory(
                f"The device '{self.device}' has too little memory for {len(codes)} frames of {self.size} px."
            ) from error
