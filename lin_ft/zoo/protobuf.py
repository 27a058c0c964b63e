"""Weights out of ONNX and TensorFlow graph files by protobuf's wire format; neither library is needed, nothing is run.

Wire format: https://protobuf.dev/programming-guides/encoding. Field numbers: onnx.proto and TensorFlow's graph.proto.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

ONNX_TYPES = {1: np.float32, 10: np.float16, 11: np.float64}
TENSORFLOW_TYPES = {1: np.float32, 2: np.float64, 19: np.float16}


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value): an int for numbers, bytes for texts, arrays and messages. ValueError for broken bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, place = message[place : place + size], place + size
        elif kind == 2:
            size, place = _varint(message, place)
            value, place = message[place : place + size], place + size
        else:
            raise ValueError(f"wire type {kind}")
        if place > len(message):
            raise ValueError("the file ends early")
        yield number, value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(message) or shift > 63:
            raise ValueError("the file ends early")
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def _integers(values: list[Any]) -> list[int]:
    """A repeated int64, packed or not."""
    whole: list[int] = []
    for value in values:
        if isinstance(value, int):
            whole.append(value)
            continue
        place = 0
        while place < len(value):
            number, place = _varint(value, place)
            whole.append(number)
    return whole


def _grouped(message: bytes) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for number, value in fields(message):
        groups.setdefault(number, []).append(value)
    return groups


def onnx_nodes(content: bytes) -> list[tuple[str, list[str], list[str]]]:
    """(operation, inputs, outputs) of every node, in the order of the file."""
    (graph,) = _grouped(content)[7]
    nodes = (_grouped(node) for node in _grouped(graph)[1])
    return [(_text(node, 4), _texts(node, 1), _texts(node, 2)) for node in nodes]


def onnx_weights(content: bytes) -> dict[str, np.ndarray]:
    """name -> array of the floating-point initialisers."""
    (graph,) = _grouped(content)[7]
    tensors = {}
    for each in _grouped(graph)[5]:
        tensor = _grouped(each)
        kind = ONNX_TYPES.get(tensor[2][0])
        if kind is not None:
            raw = tensor[9][0] if 9 in tensor else b"".join(tensor.get(4, []))
            tensors[_text(tensor, 8)] = np.frombuffer(raw, kind).reshape(_integers(tensor.get(1, [])))
    return tensors


def tensorflow_weights(content: bytes) -> dict[str, np.ndarray]:
    """name -> array of the floating-point Const nodes of a frozen GraphDef."""
    tensors = {}
    for node in _grouped(content)[1]:
        parts = _grouped(node)
        if _text(parts, 2) != "Const":
            continue
        attributes = {_text(entry, 1): entry[2][0] for entry in map(_grouped, parts[5]) if 2 in entry}
        tensor = _grouped(_grouped(attributes["value"])[8][0])
        kind = TENSORFLOW_TYPES.get(tensor[1][0])
        if kind is None:
            continue
        shape = [dict(fields(dim)).get(1, 0) for dim in _grouped(tensor[2][0] if 2 in tensor else b"").get(2, [])]
        values = np.frombuffer(tensor[4][0] if 4 in tensor else b"".join(tensor.get(5, [])), kind)
        tensors[_text(parts, 1)] = (
            values.reshape(shape) if len(values) > 1 else np.full(shape, values[0] if len(values) else 0, kind)
        )
    return tensors


def _text(groups: dict[int, list[Any]], number: int) -> str:
    return groups[number][0].decode() if number in groups else ""


def _texts(groups: dict[int, list[Any]], number: int) -> list[str]:
    return [value.decode() for value in groups.get(number, [])]
