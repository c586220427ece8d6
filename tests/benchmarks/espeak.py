"""Speech with exactly known phone times, by the system's espeak-ng library (benchmarks only)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

_SYNCHRONOUS, _PHONE_EVENTS, _IPA_EVENTS, _RATE = 2, 1, 2, 1
_PHONE, _END = 7, 0


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


@dataclass(frozen=True)
class Utterance:
    """float32 ``sound`` at ``sample_rate`` and its phones as (onset in s, IPA); IPA is empty in pauses."""

    sound: np.ndarray
    sample_rate: int
    phones: tuple[tuple[float, str], ...]


class Espeak:
    """The speech synthesiser; one at a time."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self.sample_rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONE_EVENTS | _IPA_EVENTS)
        if self.sample_rate <= 0:
            raise OSError("espeak-ng cannot start; install espeak-ng and its data.")

    def say(self, text: str, voice: str, words_a_minute: int = 165) -> Utterance:
        """Speak ``text`` in an espeak-ng voice such as ``en-us`` or ``fr``."""
        sound: list[np.ndarray] = []
        phones: list[tuple[float, str]] = []

        @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        def receive(samples, count, events):  # type: ignore[no-untyped-def]
            if samples and count:
                sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
            number = 0
            while events[number].type != _END:
                if events[number].type == _PHONE:
                    ipa = bytes(events[number].id.string).split(b"\0")[0].decode("utf-8", "ignore")
                    phones.append((events[number].sample / self.sample_rate, ipa))
                number += 1
            return 0

        self._library.espeak_SetSynthCallback(receive)
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise OSError(f"espeak-ng has no voice {voice}.")
        self._library.espeak_SetParameter(_RATE, words_a_minute, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, 1, None, None)
        self._library.espeak_Synchronize()
        return Utterance(np.concatenate(sound).astype(np.float32) / 32768, self.sample_rate, tuple(phones))
