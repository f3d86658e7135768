"""The file of a batch: one debit or refund a line, in the order of their numbers, one signature over all.

    ecny-tax debit batch 1, parts of 2000 lines
    B230420…,A230420…,0021…,17000.00
    …
    signed 0oRYS6MBJw…

Text in ASCII, every line ended by a line feed.  The signature (COSE_Sign1, base64url) is over deterministic
CBOR that holds the SHA-256 of every part, so that a file of any length is checked and carried out in flat
memory, and each line can be proven from its part alone.  A file has one form, and nothing comes after it.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Generic

from ecny_tax.clock import from_micros, micros
from ecny_tax.crypto.signatures import (
    MAX_DOCUMENT_BYTES,
    PublishedKeys,
    decode,
    encode,
    payload_of_one,
    verify_one,
)
from ecny_tax.errors import InvalidInputError, RejectedError, Said, VerificationError, system_reason
from ecny_tax.identifiers import check_authority_code
from ecny_tax.ledger.model import MAX_COUNTER
from ecny_tax.money import Fen
from ecny_tax.payments import batch_model
from ecny_tax.payments.batch_model import FIRST_LINE, AnyLine, Batch, BatchKind, Form, LineT

_SIGNED = b"signed "
_LONGEST = len(_SIGNED) + MAX_DOCUMENT_BYTES * 4 // 3 + 8
_LONGEST_LINE = 100
_DIGEST = 32
_EARLIEST, _LATEST = 315_532_800_000_000, 7_258_118_400_000_000  # 1980 to 2200


def written(
    kind: BatchKind,
    parts: Iterable[Sequence[AnyLine]],
    part_lines: int,
    sign: Callable[[int, Fen, tuple[bytes, ...]], bytes],
) -> Iterator[str]:
    """The text of a file, part by part; ``sign`` is given the number of lines, their sum and all digests.

    Raises ``RejectedError`` (``batch_empty``) and ``InvalidInputError`` (``batch_too_long``).
    """
    yield f"ecny-tax {kind} batch 1, parts of {part_lines} lines\n"
    count, amount, digests = 0, 0, list[bytes]()
    for lines in parts:
        text = "".join(line.text for line in lines)
        count, amount = count + len(lines), amount + sum(line.amount for line in lines)
        digests.append(hashlib.sha256(text.encode()).digest())
        batch_model.check_size(count, len(digests))
        yield text
    if not count:
        raise RejectedError("batch_empty")
    if amount > MAX_COUNTER:
        raise InvalidInputError("amount_too_large")
    yield f"{_SIGNED.decode()}{base64.urlsafe_b64encode(sign(count, Fen(amount), tuple(digests))).decode()}\n"


def content_of(batch: Batch) -> dict[str, object]:
    """What is signed of a batch."""
    return {
        "amount": batch.amount,
        "at": micros(batch.at),
        "authority": batch.authority,
        "batch_no": batch.batch_no,
        "lines": batch.lines,
        "part_lines": batch.part_lines,
        "parts": b"".join(batch.parts),
    }


def open_message(message: bytes, content_type: str, published: PublishedKeys) -> Batch:
    """The batch that a message says, when its authority signed it.

    Raises ``VerificationError``: ``document_malformed``, ``signer_unknown``, ``signature_invalid``,
    ``batch_signer_differs``.
    """
    signer, payload = verify_one(message, content_type, published)
    batch = _read(payload)
    if signer != f"tax_authority:{batch.authority}":
        raise VerificationError("batch_signer_differs", signer=signer, authority=batch.authority)
    return batch


def _read(payload: bytes) -> Batch:
    said = decode(payload)
    try:
        batch = _batch(said) if isinstance(said, dict) else None
    except (KeyError, ValueError, TypeError, InvalidInputError):
        batch = None
    if batch is None or encode(content_of(batch)) != payload:
        raise VerificationError("document_malformed", reason="it is no batch")
    return batch


def _batch(said: dict[str, object]) -> Batch:
    lines, part_lines = _whole(said["lines"], 1), _whole(said["part_lines"], 1)
    parts, batch_no, authority = said["parts"], said["batch_no"], said["authority"]
    if not (isinstance(parts, bytes) and isinstance(batch_no, str) and isinstance(authority, str)):
        raise TypeError
    batch_model.check_part_lines(part_lines)
    batch_model.check_size(lines, len(parts) // _DIGEST)
    if len(parts) != -(-lines // part_lines) * _DIGEST or not batch_model.is_batch_no(batch_no):
        raise ValueError
    return Batch(
        batch_no=batch_no,
        authority=check_authority_code(authority),
        at=from_micros(_whole(said["at"], _EARLIEST, _LATEST)),
        lines=lines,
        amount=Fen(_whole(said["amount"], 1)),
        part_lines=part_lines,
        parts=tuple(parts[start : start + _DIGEST] for start in range(0, len(parts), _DIGEST)),
    )


def _whole(value: object, least: int, most: int = MAX_COUNTER) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError
    return value


class BatchFile(Generic[LineT]):
    """A file that was read once, whole (a path, or the bytes of one): its form and its signature are right.

    Its parts are read again when they are carried out, and checked again, since a file may change meanwhile.
    Raises ``InvalidInputError``: ``input_file_unreadable``, ``batch_file_malformed``,
    ``batch_line_malformed``, ``batch_line_repeated``, ``batch_lines_unordered``, ``batch_too_long``; and
    ``VerificationError``: ``batch_not_signed``, ``batch_altered``, and what :func:`open_message` raises.
    """

    def __init__(self, source: Path | bytes, form: Form[LineT], published: PublishedKeys) -> None:
        self._source = source
        self._path = "-" if isinstance(source, bytes) else source
        self._form = form
        self._starts: list[int] = []  # of each part, in bytes, and the end of the last
        self._digests: list[bytes] = []
        self._lines, self._amount, self._part_lines = 0, 0, 0
        self.message = b""
        try:
            with self._open() as file:
                if not file.seekable():
                    raise OSError(errno.ESPIPE, "it is a pipe, and a batch is read twice")
                self._scan(file)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        self.batch = open_message(self.message, form.content_type, published)
        self._compare()
        #: Of all that was signed.
        self.digest = _digest(self.message)

    def says_as(self, message: bytes) -> bool:
        """Whether a message of a batch that was taken in says the same as this file."""
        return _digest(message) == self.digest

    def end_of(self, parts: int) -> int:
        """How many bytes so many parts are, with the first line."""
        return self._starts[parts]

    def lines(self, part: int) -> tuple[str, list[LineT]]:
        """The lines of a part as they were signed, as text and as what they say."""
        start, end = self._starts[part], self._starts[part + 1]
        try:
            with self._open() as file:
                file.seek(start)
                data = file.read(end - start)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        if hashlib.sha256(data).digest() != self.batch.parts[part]:
            raise self._altered(part)
        text = data.decode("ascii")
        return text, self._form.read_signed(text)

    def _open(self) -> BinaryIO:
        return io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source.open("rb")

    def _scan(self, file: BinaryIO) -> None:
        head = file.readline(100)
        first = rf"ecny-tax {self._form.kind} batch 1, parts of ([1-9][0-9]{{0,3}}) lines\n"
        found = re.fullmatch(first.encode(), head)
        if found is None:
            raise self._malformed(
                f"its first line is not that of a {self._form.kind} batch",
                f"首行不是批量{'扣税' if self._form.kind is BatchKind.DEBIT else '退税'}文件的首行",
            )
        self._part_lines = int(found[1])
        batch_model.check_part_lines(self._part_lines)
        place, last, signature = len(head), "", b""
        while not signature:
            start, read = place, list[bytes]()
            while len(read) < self._part_lines and (data := file.readline(_LONGEST)):
                if data.startswith(_SIGNED):
                    signature = data
                    break
                read.append(data)
                if len(data) > _LONGEST_LINE:
                    break  # which is malformed, as is to be seen
            if not read and not signature:
                raise VerificationError("batch_not_signed", path=self._path)
            if read:
                part = b"".join(read)
                last = self._take_part(part, last)
                self._starts.append(start)
                place += len(part)
        self._starts.append(place)
        self._take_signature(signature, file)

    def _take_part(self, part: bytes, last: str) -> str:
        """Check the form of a part that comes after the bill ``last``; its own last bill."""
        number = FIRST_LINE + self._lines
        found = self._form.read_lines(part.decode("ascii", "backslashreplace"), number)
        batch_model.check_order(last, found[0].record, number)
        self._digests.append(hashlib.sha256(part).digest())
        self._lines += len(found)
        self._amount += sum(line.amount for line in found)
        batch_model.check_size(self._lines, len(self._digests))
        return found[-1].record

    def _take_signature(self, data: bytes, file: BinaryIO) -> None:
        text = data[len(_SIGNED) : -1]
        try:
            self.message = base64.b64decode(text, altchars=b"-_", validate=True)
        except ValueError:
            self.message = b""
        if _SIGNED + base64.urlsafe_b64encode(self.message) + b"\n" != data or not self.message:
            raise self._malformed("its signature cannot be read", "签名行无法读取")
        if file.read(1):
            raise self._malformed("something comes after its signature", "签名行之后还有内容")

    def _compare(self) -> None:
        """Whether the lines are those that were signed."""
        batch = self.batch
        for part, digest in enumerate(batch.parts):
            if self._digests[part : part + 1] != [digest]:
                raise self._altered(part)
        counted = (self._lines, self._amount, self._part_lines, len(self._digests))
        if counted != (batch.lines, batch.amount, batch.part_lines, len(batch.parts)):
            raise self._altered(len(batch.parts) - 1)

    def _altered(self, part: int) -> VerificationError:
        first = self.batch.first_line(part)
        last = min(first + self.batch.part_lines, FIRST_LINE + self.batch.lines) - 1
        return VerificationError("batch_altered", first=first, last=last, authority=self.batch.authority)

    def _malformed(self, reason: str, zh: str) -> InvalidInputError:
        return InvalidInputError("batch_file_malformed", path=self._path, reason=Said(reason, zh))

    def _unreadable(self, error: OSError | ValueError) -> InvalidInputError:
        reason = system_reason(error) if isinstance(error, OSError) else str(error)
        return InvalidInputError("input_file_unreadable", path=self._path, reason=reason)


def _digest(message: bytes) -> bytes:
    return hashlib.sha256(payload_of_one(message)).digest()
