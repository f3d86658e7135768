"""A small reader of undamaged QR codes (ISO/IEC 18004), so that a picture is read and not believed.

It knows what signed objects need: levels M and L, alphanumeric mode, versions 1 to 40; the table of blocks
and the places of the alignment patterns are those of the standard, as segno has them.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from segno import consts

Matrix = list[list[bool]]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_LEVELS = {0b00: consts.ERROR_LEVEL_M, 0b01: consts.ERROR_LEVEL_L}
_MASKS: list[Callable[[int, int], bool]] = [
    lambda i, j: (i + j) % 2 == 0,
    lambda i, _j: i % 2 == 0,
    lambda _i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
]


def text_of(matrix: Matrix) -> str:
    """The text of an alphanumeric code."""
    version = (len(matrix) - 17) // 4
    information = [matrix[8][j] for j in (0, 1, 2, 3, 4, 5, 7, 8)]
    level_and_mask = _number(information[:5]) ^ 0b10101
    level = _LEVELS[level_and_mask >> 3]
    mask = _MASKS[level_and_mask & 7]
    bits = [matrix[i][j] ^ mask(i, j) for i, j in _data_places(version)]
    words = [_number(bits[start : start + 8]) for start in range(0, len(bits) - 7, 8)]
    data = [bit for word in _in_order(words, version, level) for bit in map(bool, map(int, f"{word:08b}"))]
    assert _number(data[:4]) == 0b0010, "not alphanumeric"
    head = 4 + (9 if version < 10 else 11 if version < 27 else 13)
    count = _number(data[4:head])
    characters = []
    for _ in range(count // 2):
        characters += divmod(_number(data[head : head + 11]), 45)
        head += 11
    if count % 2:
        characters.append(_number(data[head : head + 6]))
    return "".join(_ALPHABET[value] for value in characters)


def _number(bits: list[bool]) -> int:
    return int("".join("01"[bit] for bit in bits), 2)


def _data_places(version: int) -> Iterator[tuple[int, int]]:
    """Where the bits of data are: upwards and downwards in columns two wide, from the right."""
    size = 17 + 4 * version
    taken = [[False] * size for _ in range(size)]

    def take(rows: range, columns: range) -> None:
        for i in rows:
            for j in columns:
                taken[i][j] = True

    take(range(9), range(9))
    take(range(9), range(size - 8, size))
    take(range(size - 8, size), range(9))
    take(range(6, 7), range(size))
    take(range(size), range(6, 7))
    centres = consts.ALIGNMENT_POS[version - 2] if version > 1 else ()
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for i, j in ((i, j) for i in centres for j in centres if (i, j) not in corners):
        take(range(i - 2, i + 3), range(j - 2, j + 3))
    if version > 6:
        take(range(6), range(size - 11, size - 8))
        take(range(size - 11, size - 8), range(6))
    upwards = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        for i in range(size - 1, -1, -1) if upwards else range(size):
            yield from ((i, j) for j in (right, right - 1) if not taken[i][j])
        upwards = not upwards


def _in_order(words: list[int], version: int, level: int) -> list[int]:
    """The words of data, which stand interleaved by blocks."""
    groups = consts.ECC[version][level]
    sizes = [group.num_data for group in groups for _ in range(group.num_blocks)]
    blocks: list[list[int]] = [[] for _ in sizes]
    stream = iter(words)
    for place in range(max(sizes)):
        for block, size in zip(blocks, sizes, strict=True):
            if place < size:
                block.append(next(stream))
    return [word for block in blocks for word in block]


def from_png(data: bytes, scale: int, border: int = 4) -> Matrix:
    """The code in a PNG of one bit a pixel, black on white, as it is written here."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place, packed, header = 8, b"", b""
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert struct.unpack_from(">I", data, place + 8 + size)[0] == zlib.crc32(kind + content)
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed += content
        place += 12 + size
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    assert (depth, colour) == (1, 0)
    assert width == height
    packed, line = zlib.decompress(packed), 1 + (width + 7) // 8
    above, pixels = bytes(line - 1), []
    for start in range(0, len(packed), line):
        method, row = packed[start], packed[start + 1 : start + line]
        assert method in (0, 2)  # as it is, or the difference to the row above
        above = row if method == 0 else bytes((a + b) % 256 for a, b in zip(row, above, strict=True))
        pixels.append([not above[j // 8] >> 7 - j % 8 & 1 for j in range(width)])
    inside = range(border * scale, width - border * scale, scale)
    assert not any(any(row) for row in pixels[: border * scale])
    return [[pixels[i][j] for j in inside] for i in inside]


def from_svg(data: bytes, border: int = 4) -> Matrix:
    """The code in an SVG of one path of lines."""
    picture = ElementTree.fromstring(data)
    (path,) = picture
    if "viewBox" in picture.keys():  # noqa: SIM118 - an element is no mapping
        size = int(str(picture.get("viewBox")).split()[2]) - 2 * border
    else:
        scale = float(str(path.get("transform")).removeprefix("scale(").removesuffix(")"))
        size = int(float(str(picture.get("width"))) / scale) - 2 * border
    matrix = [[False] * size for _ in range(size)]
    x, y = 0.0, -0.5
    for step, first, second, line in re.findall(r"([Mm])(-?[\d.]+) (-?[\d.]+)|h(\d+)", str(path.get("d"))):
        if line:
            for j in range(int(line)):
                matrix[int(y) - border][int(x) + j - border] = True
            x += int(line)
        elif step == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)
    return matrix
