"""English phones placed by pocketsphinx (BSD): forced alignment of short stretches.

Huggins-Daines et al. 2006, "PocketSphinx"; the model and the CMU dictionary come inside its wheel.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engines.speech.audio import ANALYSIS_RATE
from engines.speech.lexicon import Word
from engines.speech.segment import SILENCE, Segment

_PAD_S: Final = 0.3
_ATTEMPTS: Final = ((0.1, 30, 1e-30), (0.1, 8, 1e-20), (0.3, 30, 1e-38), (0.1, 30, 1e-48), (0.3, 8, 1e-100))
"""Peak level, dither in 16-bit steps, beam. Narrow beams first: with wide ones this search loses the end of a clean
recording more often than not."""
_RATE: Final = 100
WINDOW_S: Final = 0.008
"""Frame ``i`` of the model listens to 25.6 ms from ``i / 100`` on, so a change between frames lies 8 ms later."""
_LEAD_S: Final = _PAD_S - WINDOW_S


class Listener:
    """Phones without words: a loop of phones weighted by how often English puts them side by side."""

    confidence = 0.5

    def __init__(self) -> None:
        from pocketsphinx import Config, Decoder, get_model_path

        config = Config(
            hmm=get_model_path("en-us/en-us"),
            allphone=get_model_path("en-us/en-us-phone.lm.bin"),
            dict=None,
            lm=None,
            loglevel="FATAL",
            lw=2.0,
            beam=1e-20,
            pbeam=1e-20,
        )
        self._decoder = Decoder(config)
        self._start = self._decoder.get_cmn(False)

    def hear(self, sound: np.ndarray) -> list[Segment]:
        """Phones in seconds from the start of ``sound`` (float32 (N,), mono 16 kHz), silences and noises left out."""
        pad = round(_PAD_S * ANALYSIS_RATE)
        noise = np.random.default_rng(0).uniform(-1, 1, len(sound) + 2 * pad)
        scale = 0.3 * 32767 / max(float(np.abs(sound).max()), 1e-4)
        raw = (np.pad(sound * scale, pad) + 8 * noise).astype(np.int16).tobytes()
        self._decoder.set_cmn(self._start)
        _run(self._decoder, raw)
        return [
            Segment(
                max(0.0, s.start_frame / _RATE - _LEAD_S),
                max(0.0, (s.end_frame + 1) / _RATE - _LEAD_S),
                s.word,
                self.confidence,
            )
            for s in self._decoder.seg() or ()
            if s.word.isalpha() and s.word != SILENCE
        ]


def _run(decoder: Any, raw: bytes) -> None:
    decoder.start_utt()
    try:
        decoder.process_raw(raw, full_utt=True)
    finally:
        decoder.end_utt()


class Aligner:
    """Forced alignment of stretches of a few seconds; loads the acoustic model once."""

    def __init__(self) -> None:
        self._decoders: dict[float, Any] = {}
        self._start = ""

    def _decoder(self, beam: float) -> Any:
        if beam not in self._decoders:
            from pocketsphinx import Config, Decoder, get_model_path

            config = Config(
                hmm=get_model_path("en-us/en-us"),
                dict=None,
                lm=None,
                loglevel="FATAL",
                beam=beam,
                pbeam=beam,
                wbeam=beam,
            )
            self._decoders[beam] = Decoder(config)
            self._start = self._decoders[beam].get_cmn(False)
        # The decoder goes on from the last recording's mean spectrum; every search starts from the model's own.
        self._decoders[beam].set_cmn(self._start)
        return self._decoders[beam]

    def align(self, sound: np.ndarray, words: list[Word]) -> list[tuple[Segment, ...]] | None:
        """Phones of each word, seconds from the start of ``sound``; None where the search loses the way.

        Parameters
        ----------
        sound : float32 (N,), mono 16 kHz, the words and little else, best under 9 s
        """
        pad = round(_PAD_S * ANALYSIS_RATE)
        scale = 32767 / max(float(np.abs(sound).max()), 1e-4)
        noise = np.random.default_rng(0).uniform(-1, 1, len(sound) + 2 * pad)
        for level, dither, beam in _ATTEMPTS:
            raw = (np.pad(sound * (scale * level), pad) + dither * noise).astype(np.int16).tobytes()
            found = self._attempt(raw, words, self._decoder(beam))
            if found is not None:
                return found
        return None

    def _attempt(self, raw: bytes, words: list[Word], decoder: Any) -> list[tuple[Segment, ...]] | None:
        names = []
        for word in words:
            # Named by all its pronunciations, so that words said alike in part do not lend each other variants.
            name = "+".join("_".join(variant) for variant in word.phones)
            for number, variant in enumerate(word.phones):
                label = name if number == 0 else f"{name}({number + 1})"
                if decoder.lookup_word(label) is None:
                    decoder.add_word(label, " ".join(variant), True)
            names.append(name)
        try:
            decoder.set_align_text(" ".join(names))
            _run(decoder, raw)
            decoder.set_alignment()
            decoder.set_cmn(self._start)
            _run(decoder, raw)
            alignment = decoder.get_alignment()
        except RuntimeError:
            return None
        result = []
        for entry in alignment or ():
            if entry.name.startswith("<") or entry.name.startswith("["):
                continue
            spans = [(p.name, p.start / _RATE - _LEAD_S, (p.start + p.duration) / _RATE - _LEAD_S) for p in entry]
            result.append(tuple(Segment(start, end, label) for label, start, end in spans))
        return result if len(result) == len(words) and all(result) else None
