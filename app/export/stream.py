"""Live Link Face over UDP: Unreal, or any program that speaks the protocol, shows the face while the artist scrubs.

A packet as the iPhone app sends it, big-endian: version 6 (one byte), length and text of the device's id (36
letters), length and text of the subject's name, frame number, sub-frame, rate as numerator and denominator, the
number of values (61, one byte) and the values as 32-bit floats in ARKit's order, followed by head and eye rotations.
"""

from __future__ import annotations

import socket
import struct
import uuid
from typing import Any, Final

import numpy as np

from app.export import livelink
from engines import arkit
from engines.api import Performance
from engines.errors import ExportError, InputError

PORT: Final = 11111
_VERSION: Final = 6
_VALUES: Final = len(livelink.COLUMNS)
_TO_UDP: Final = [livelink.UNITS.index(name) for name in arkit.NAMES]


def packet(motion: Performance, frame: int, subject: str, device: str, first: int = 0) -> bytes:
    """The datagram of one frame.

    Parameters
    ----------
    frame : index into ``motion``
    subject : name of the face in the receiving program
    device : id of the sender, the same for all packets
    first : number of the motion's first frame, for timecode
    """
    row = livelink.to_values(motion.slice(frame, frame + 1))[0]
    values = np.concatenate([row[: arkit.COUNT][_TO_UDP], row[arkit.COUNT :]])
    rate = motion.rate
    head = struct.pack(">B", _VERSION)
    for text in (device, subject):
        data = text.encode()
        head += struct.pack(">i", len(data)) + data
    time = struct.pack(">IfII", first + frame, 0.0, rate.numerator, rate.denominator)
    return head + time + struct.pack(f">B{_VALUES}f", _VALUES, *values.tolist())


def parse(data: bytes) -> tuple[str, int, np.ndarray]:
    """Subject, frame number and the 61 values (in the order of the packet) of a datagram.

    Raises
    ------
    InputError
        If it is no such packet.
    """
    try:
        (version,) = struct.unpack_from(">B", data)
        offset, texts = 1, []
        for _ in range(2):
            (length,) = struct.unpack_from(">i", data, offset)
            if not 0 <= length <= len(data) - offset - 4:
                raise ValueError("a text is longer than the packet")
            texts.append(data[offset + 4 : offset + 4 + length].decode())
            offset += 4 + length
        frame, _sub, _numerator, _denominator, count = struct.unpack_from(">IfIIB", data, offset)
        values = np.frombuffer(data, ">f4", count, offset + 17)
    except (struct.error, ValueError) as error:
        raise InputError(f"This is no Live Link Face packet: {error}.") from error
    if version != _VERSION or count != _VALUES:
        raise InputError(f"This Live Link Face packet has version {version} and {count} values, expected 6 and 61.")
    return texts[1], frame, values.astype(np.float32)


class Sender:
    """Sends frames of a performance to one address; nothing is sent until `show` is called.

    Parameters
    ----------
    host, port : where the receiving program listens
    subject : name under which the face appears there

    Raises
    ------
    InputError
        If the address cannot be found.
    """

    def __init__(self, host: str, port: int = PORT, subject: str = "Soliloquy") -> None:
        if not 0 < port < 1 << 16:
            raise InputError(f"The port {port} is not possible. Unreal listens on {PORT}.")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except (OSError, UnicodeError) as error:
            raise InputError(f"The address {host}:{port} is not found: {error}. Check name and port.") from error
        family, kind, protocol = found[:3]
        self._address: Any = found[4]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self.subject = subject
        self._device = str(uuid.uuid4()).upper()

    def show(self, motion: Performance, frame: int, first: int = 0) -> None:
        """Send one frame; a network too busy to take it drops it.

        Raises
        ------
        ExportError
            If the network refuses.
        """
        try:
            self._socket.sendto(packet(motion, frame, self.subject, self._device, first), self._address)
        except (BlockingIOError, ConnectionRefusedError):
            return  # nobody listens yet, or the buffer is full: the next frame follows at once
        except OSError as error:
            raise ExportError(f"Live Link to {self._address[0]} failed: {error}. Check the network.") from error

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
