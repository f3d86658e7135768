"""What is compared, how two or three records of one debit are classed, and which mend follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from typing import NamedTuple

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen
from ecny_tax.payments.debit_model import DebitStatus

#: The most differences that one answer lists; all are counted.
MAX_LISTED = 1000
#: What two records of one debit must agree on besides amount and status.
_DETAILS = ("bill_no", "operator", "wallet_id")


class Side(StrEnum):
    TREASURY = "treasury"  # 国库
    OPERATOR = "operator"  # 运营机构
    LEDGER = "ledger"  # 账本


class Key(NamedTuple):
    """What tells one debit from all others; compared in this order."""

    trace_no: str
    authority: str
    entrust_date: str


class Entry(NamedTuple):
    """A debit as one side has it.  The first three fields are its :class:`Key`; the amount is in fen.

    ``trace_no`` (交易流水号) is the payment number, ``entrust_date`` (委托日期) an ISO date of Beijing.
    """

    trace_no: str
    authority: str
    entrust_date: str
    bill_no: str
    operator: str
    wallet_id: str
    amount: Fen
    status: str

    @property
    def paid(self) -> Fen:
        """What the debit moved, according to this side."""
        return self.amount if self.status == DebitStatus.SUCCEEDED else Fen(0)


class PairClass(IntEnum):
    """The classes of a compared pair (对账结果); the numbers are those seen in public code of the field."""

    NOT_COMPARED = 0
    SAME = 1
    AMOUNTS_DIFFER = 2
    OPERATOR_FAILED = 3
    OPERATOR_LACKS = 4
    TREASURY_FAILED = 5
    TREASURY_LACKS = 6
    BOTH_FAILED = 7


#: What each class says, in English and Chinese.
MEANINGS = {
    PairClass.NOT_COMPARED: ("not compared", "未对账"),
    PairClass.SAME: ("both succeeded, amounts equal", "双方成功，金额一致"),
    PairClass.AMOUNTS_DIFFER: ("both succeeded, amounts differ", "双方成功，金额不一致"),
    PairClass.OPERATOR_FAILED: ("treasury succeeded, operator failed", "国库成功，机构失败"),
    PairClass.OPERATOR_LACKS: ("treasury succeeded, operator has no record", "国库成功，机构无记录"),
    PairClass.TREASURY_FAILED: ("treasury failed, operator succeeded", "国库失败，机构成功"),
    PairClass.TREASURY_LACKS: ("treasury has no record, operator succeeded", "国库无记录，机构成功"),
    PairClass.BOTH_FAILED: ("both failed", "双方失败"),
}


class Mend(StrEnum):
    """What would bring the books together (调账)."""

    GIVE_BACK = "give_back"  # 退回钱包
    DEBIT_NOW = "debit_now"  # 补扣


class Pair(NamedTuple):
    """One debit as the sides have it; None where a side has no record of it."""

    treasury: Entry | None
    operator: Entry | None
    ledger: Entry | None

    @property
    def known(self) -> Entry:
        """The record of a side that has one."""
        found = self.treasury or self.operator or self.ledger
        assert found is not None  # noqa: S101 - a pair is made of at least one
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose books of which day; None: of all treasuries, of all operators."""

    entrust_date: date
    treasury: str | None = None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared: a day, the operators whose records there are, and the authorities of the treasury
    asked for (None: all)."""

    entrust_date: date
    operators: frozenset[str] | None = None
    authorities: frozenset[str] | None = None

    def covers(self, pair: Pair) -> bool:
        """A record that names another operator does not take itself out: either one is enough."""
        found = (pair.treasury, pair.operator) if pair.treasury or pair.operator else (pair.ledger,)
        return any(entry is not None and self._covers(entry) for entry in found)

    def _covers(self, entry: Entry) -> bool:
        return (
            entry.entrust_date == self.entrust_date.isoformat()
            and (self.operators is None or entry.operator in self.operators)
            and (self.authorities is None or entry.authority in self.authorities)
        )


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many debits are in a class."""

    pair_class: int
    count: int
    meaning: str
    meaning_zh: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A debit about which the sides do not agree; amounts in fen, None where a side has no record.

    ``details_differ`` names what else two records of it disagree on (``bill_no``, ``operator``,
    ``wallet_id``, which are then given as the treasury has them), whatever its class.
    ``mend`` is what would bring the books of this sandbox together; None for records of somebody else.
    """

    pair_class: int
    entrust_date: date
    authority: str
    trace_no: str
    bill_no: str
    operator: str
    wallet_id: str
    treasury_status: str | None
    treasury_amount: Fen | None
    operator_status: str | None
    operator_amount: Fen | None
    ledger_amount: Fen | None
    details_differ: tuple[str, ...]
    mend: Mend | None
    mend_amount: Fen | None


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done about a difference: ``outcome`` is ``given_back``, ``debited`` or ``struck_out``, or
    ``left`` for the reason in ``code``; the amount in fen is what moved."""

    payment_no: str
    bill_no: str
    wallet_id: str
    outcome: str
    amount: Fen
    code: str | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a comparison found.  ``ok``: nobody differs.  ``left_out`` differences are counted, not listed."""

    ok: bool
    entrust_date: date
    treasury: str | None
    operator: str | None
    compared: int
    classes: tuple[ClassCount, ...]
    differences: tuple[Difference, ...]
    left_out: int
    mends: tuple[Mended, ...]


def checked_side(side: str) -> Side:
    """Raises ``InvalidInputError`` (``reconciliation_side_unknown``)."""
    if side not in tuple(Side):
        raise InvalidInputError("reconciliation_side_unknown", value=side, known=" ".join(Side))
    return Side(side)


def pairs(
    treasury: Iterable[Entry], operator: Iterable[Entry], ledger: Iterable[Entry] = ()
) -> Iterator[Pair]:
    """Bring the records of the sides together, in flat memory.

    Each stream is sorted by its keys, and names each key once.
    """
    of_treasury, of_operator, of_ledger = iter(treasury), iter(operator), iter(ledger)
    t, o, g = next(of_treasury, None), next(of_operator, None), next(of_ledger, None)
    while t is not None or o is not None or g is not None:
        keys = [entry[:3] for entry in (t, o, g) if entry is not None]
        key = keys[0] if keys.count(keys[0]) == len(keys) else min(keys)
        one = two = three = None
        if t is not None and t[:3] == key:
            one, t = t, next(of_treasury, None)
        if o is not None and o[:3] == key:
            two, o = o, next(of_operator, None)
        if g is not None and g[:3] == key:
            three, g = g, next(of_ledger, None)
        yield Pair(one, two, three)


def class_of(pair: Pair, scope: Scope) -> PairClass:
    """The class of a pair.  A side without record of what the other has as failed counts as failed."""
    treasury, operator, _ = pair
    if (treasury is None and operator is None) or not scope.covers(pair):
        return PairClass.NOT_COMPARED
    by_treasury = treasury is not None and treasury.status == DebitStatus.SUCCEEDED
    by_operator = operator is not None and operator.status == DebitStatus.SUCCEEDED
    if treasury is not None and operator is not None and by_treasury and by_operator:
        return PairClass.SAME if treasury.amount == operator.amount else PairClass.AMOUNTS_DIFFER
    if by_treasury:
        return PairClass.OPERATOR_LACKS if operator is None else PairClass.OPERATOR_FAILED
    if by_operator:
        return PairClass.TREASURY_LACKS if treasury is None else PairClass.TREASURY_FAILED
    return PairClass.BOTH_FAILED


def differs(pair: Pair, pair_class: PairClass, scope: Scope, *, three_way: bool) -> bool:
    """Whether somebody is wrong: treasury and operator differ, or both say what the ledger does not."""
    if pair_class is PairClass.NOT_COMPARED:
        return three_way and pair.ledger is not None and scope.covers(pair)
    if pair_class not in (PairClass.SAME, PairClass.BOTH_FAILED) or details_differ(pair):
        return True
    return three_way and _paid(pair.treasury) != _paid(pair.ledger)


def details_differ(pair: Pair) -> tuple[str, ...]:
    """What the records of treasury and operator say otherwise about a debit that is one by its key."""
    one, other = pair.treasury, pair.operator
    if one is None or other is None or one[3:6] == other[3:6]:
        return ()
    return tuple(name for name in _DETAILS if getattr(one, name) != getattr(other, name))


def mend_of(pair: Pair) -> tuple[Mend, Fen] | None:
    """What brings the books together: the ledger tells what moved, the treasury's entry what should have."""
    moved, due = _paid(pair.ledger), _paid(pair.treasury)
    if moved > due:
        return Mend.GIVE_BACK, Fen(moved - due)
    if moved < due:
        return Mend.DEBIT_NOW, Fen(due - moved)
    return None


def difference(pair: Pair, pair_class: PairClass, *, mendable: bool) -> Difference:
    """How a difference is shown."""
    entry, mend = pair.known, mend_of(pair) if mendable else None
    return Difference(
        pair_class=int(pair_class),
        entrust_date=date.fromisoformat(entry.entrust_date),
        authority=entry.authority,
        trace_no=entry.trace_no,
        bill_no=entry.bill_no,
        operator=entry.operator,
        wallet_id=entry.wallet_id,
        treasury_status=pair.treasury.status if pair.treasury else None,
        treasury_amount=pair.treasury.amount if pair.treasury else None,
        operator_status=pair.operator.status if pair.operator else None,
        operator_amount=pair.operator.amount if pair.operator else None,
        ledger_amount=pair.ledger.amount if pair.ledger else None,
        details_differ=details_differ(pair),
        mend=mend[0] if mend else None,
        mend_amount=mend[1] if mend else None,
    )


def counted(counts: dict[PairClass, int]) -> tuple[ClassCount, ...]:
    """Every class with its count and meaning."""
    return tuple(ClassCount(int(one), counts.get(one, 0), *MEANINGS[one]) for one in PairClass)


def _paid(entry: Entry | None) -> Fen:
    return Fen(0) if entry is None else entry.paid
