"""Playback: which frame is due now, told by the sound card where there is one and by a timer where there is none.

Sound is never stretched; a picture that comes too late is left out. The sound device pulls samples from `_Source`;
the time heard is what it pulled less what still waits in its buffer, smoothed between its coarse updates by an
elapsed-time clock.
"""

from __future__ import annotations

import logging
from fractions import Fraction

import numpy as np
from PySide6.QtCore import QByteArray, QElapsedTimer, QIODevice, QObject, Qt, QTimer, Signal

from engines.timebase import frame_to_seconds

log = logging.getLogger(__name__)
_SPEEDS = (1.0, 1.5, 2.0, 4.0, 8.0)


class _Source(QIODevice):
    """The recording from a position on, as 16-bit samples for the sound device."""

    def __init__(self, samples: np.ndarray, parent: QObject) -> None:
        super().__init__(parent)
        self._data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        self.offset = 0

    def readData(self, maxlen: int) -> bytes:
        chunk = self._data[self.offset : self.offset + maxlen]
        self.offset += len(chunk)
        return chunk

    def writeData(self, data: QByteArray | bytes | bytearray | memoryview, len: int = 0) -> int:
        return -1

    def bytesAvailable(self) -> int:
        return max(0, len(self._data) - self.offset) + super().bytesAvailable()

    def isSequential(self) -> bool:
        return True


class Player(QObject):
    """Moves the playhead while it plays.

    Signals
    -------
    frame_due : the frame that should be seen now
    playing_changed : started or stopped
    """

    frame_due = Signal(int)
    playing_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None, sound: bool = True) -> None:
        super().__init__(parent)
        self._want_sound = sound
        self._samples: np.ndarray = np.zeros(0, np.float32)
        self._sample_rate = 16000
        self._rate = Fraction(25)
        self._range = (0, 0)
        self._sink: object | None = None
        self._source: _Source | None = None
        self._elapsed = QElapsedTimer()
        self._start_s = 0.0
        self._heard_s = 0.0
        self._speed = 1.0
        self._frame = 0
        self.loop = False
        self.muted = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    @property
    def speed(self) -> float:
        """Signed rate of playback; 1 is normal."""
        return self._speed

    def set_voice(self, samples: np.ndarray, sample_rate: int) -> None:
        """The sound to play.

        Parameters
        ----------
        samples : float32 (N,), -1 to 1
        sample_rate : in hertz
        """
        self.stop()
        self._drop_sound()
        self._samples, self._sample_rate = samples, sample_rate

    def set_range(self, start: int, stop: int, rate: Fraction) -> None:
        """Frames ``start`` to ``stop`` (exclusive) at ``rate`` are played."""
        self._range, self._rate = (start, max(stop, start + 1)), rate

    def play(self, frame: int, speed: float = 1.0) -> None:
        """Start at ``frame``; at the end of the range it starts over from the beginning."""
        self._halt()
        first, stop = self._range
        if speed > 0 and not first <= frame < stop - 1:
            frame = first
        self._frame, self._speed = frame, speed
        self._start_s = self._heard_s = frame_to_seconds(frame, self._rate)
        if speed == 1.0 and not self.muted:
            self._start_sound(self._start_s)
        self._elapsed.start()
        self._timer.start(max(4, round(1000 / float(self._rate) / 4)))
        self.playing_changed.emit(True)

    def shuttle(self, frame: int, forwards: bool) -> None:
        """Play, or play faster if already going that way."""
        sign = 1.0 if forwards else -1.0
        speed = abs(self._speed) if self.playing and self._speed * sign > 0 else 0.0
        faster = [value for value in _SPEEDS if value > speed]
        self.play(frame, sign * (faster[0] if faster else _SPEEDS[-1]))

    def stop(self) -> None:
        """Stop where it is."""
        if self._timer.isActive():
            self._halt()
            self.playing_changed.emit(False)

    def close(self) -> None:
        """Stop and let the sound device go."""
        self.stop()
        self._drop_sound()

    def position_s(self) -> float:
        """The time that is heard now, in seconds of the recording."""
        passed = self._elapsed.nsecsElapsed() / 1e9 if self._elapsed.isValid() else 0.0
        timer_s = self._start_s + passed * self._speed
        sink = self._sink
        if sink is None or self._source is None or self._speed != 1.0 or self.muted:
            return timer_s
        waiting = sink.bufferSize() - sink.bytesFree()  # type: ignore[attr-defined]
        heard_s = (self._source.offset - waiting) / 2 / self._sample_rate
        # The device reports in steps of its period. The timer runs on between them and is pulled towards the device,
        # hard when it is far off (a stall), gently otherwise, so that pictures do not jitter.
        error = heard_s - timer_s
        if self._source.offset >= 2 * len(self._samples):
            return timer_s
        self._start_s += error if abs(error) > 0.15 else 0.05 * error
        return timer_s

    def _tick(self) -> None:
        first, stop = self._range
        frame = int(np.floor(self.position_s() * self._rate + 1e-9))
        if frame >= stop or (frame < first and self._speed < 0):
            if self.loop:
                self.play(first if self._speed > 0 else stop - 1, self._speed)
                return
            self.stop()
            self.frame_due.emit(stop - 1 if self._speed > 0 else first)
            return
        frame = max(frame, first)
        if frame != self._frame:
            self._frame = frame
            self.frame_due.emit(frame)

    def _halt(self) -> None:
        self._timer.stop()
        if self._sink is not None:
            self._sink.reset()  # type: ignore[attr-defined]

    def _start_sound(self, start_s: float) -> None:
        if not self._want_sound or not len(self._samples):
            return
        if self._sink is None and not self._open_sound():
            return
        assert self._source is not None
        self._source.offset = 2 * min(round(start_s * self._sample_rate), len(self._samples))
        self._sink.start(self._source)  # type: ignore[union-attr]

    def _open_sound(self) -> bool:
        """Whether a device could be opened; without one the timer alone keeps the time."""
        from PySide6.QtMultimedia import QAudioFormat, QAudioSink, QMediaDevices

        device = QMediaDevices.defaultAudioOutput()
        wanted = QAudioFormat()
        wanted.setSampleRate(self._sample_rate)
        wanted.setChannelCount(1)
        wanted.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        if device.isNull() or not device.isFormatSupported(wanted):
            self._want_sound = False
            log.info("No sound device: playback runs on a timer.")
            return False
        self._source = _Source(self._samples, self)
        self._source.open(QIODevice.OpenModeFlag.ReadOnly)
        self._sink = QAudioSink(device, wanted, self)
        return True

    def _drop_sound(self) -> None:
        if self._sink is not None:
            self._sink.reset()  # type: ignore[attr-defined]
            self._sink.deleteLater()  # type: ignore[attr-defined]
        if self._source is not None:
            self._source.close()
            self._source.deleteLater()
        self._sink = self._source = None
