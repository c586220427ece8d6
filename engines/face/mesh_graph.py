"""MediaPipe's attention mesh alone, without the face detector in front of it.

``FaceMesh`` looks for a face before it looks at it. Where the place of the face is known (the frame before shows it),
half of that time and all of the detector's jitter can be saved: this graph takes an upright crop as it is.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

SIDE: Final = 192
"""Pixels along a side of what the network sees; larger crops are made smaller."""

_GRAPH: Final = """
input_stream: "image"
input_stream: "roi"
output_stream: "landmarks"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:with_attention"
  node_options: {
    [type.googleapis.com/mediapipe.ConstantSidePacketCalculatorOptions]: { packet { bool_value: true } }
  }
}
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""


class MeshGraph:
    """478 landmarks of the face that fills an upright crop, as an object like MediaPipe's ``FaceMesh``."""

    def __init__(self) -> None:
        import mediapipe
        from google.protobuf import text_format
        from mediapipe.framework import calculator_pb2
        from mediapipe.framework.formats import rect_pb2
        from mediapipe.python import packet_creator, packet_getter
        from mediapipe.python._framework_bindings import calculator_graph, resource_util
        from mediapipe.python.solutions import face_mesh  # noqa: F401 - its import registers the calculators

        resource_util.set_resource_dir(str(Path(mediapipe.__file__).resolve().parents[1]))
        config = text_format.Parse(_GRAPH, calculator_pb2.CalculatorGraphConfig())
        self._make, self._format = packet_creator, mediapipe.ImageFormat.SRGB
        self._whole = rect_pb2.NormalizedRect(x_center=0.5, y_center=0.5, width=1, height=1, rotation=0)
        self._found: list[Any] = []
        self._time = 0

        def keep(_name: str, packet: Any) -> None:
            self._found.append(None if packet.is_empty() else packet_getter.get_proto(packet))

        self._graph = calculator_graph.CalculatorGraph(graph_config=config)
        self._graph.observe_output_stream("landmarks", keep, True)
        self._graph.start_run({})

    def process(self, rgb: np.ndarray) -> SimpleNamespace:
        """``multi_face_landmarks`` of a crop uint8 (N, N, 3): a list of one, or None where the crop shows no face."""
        self._time += 1
        self._found.clear()
        picture = self._make.create_image_frame(image_format=self._format, data=np.ascontiguousarray(rgb))
        self._graph.add_packet_to_input_stream("image", picture.at(self._time))
        self._graph.add_packet_to_input_stream("roi", self._make.create_proto(self._whole).at(self._time))
        self._graph.wait_until_idle()
        found = self._found[0] if self._found else None
        return SimpleNamespace(multi_face_landmarks=None if found is None else [found])

    def close(self) -> None:
        self._graph.close_all_packet_sources()
        self._graph.wait_until_done()
