"""What ``stamp_duty.toml`` says: items with their rates, rounding, deadlines, reliefs and exemptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.rulebook.figures import Dated, Row, dated, in_force, keyed, read, single

Side = Literal["buy", "sell"]


@dataclass(frozen=True, slots=True)
class StampDutyRate:
    """The rate of an item of stamp duty (印花税税目); securities have one for each side.

    ``minimum`` is the least duty of a document that is not exempt for its smallness; ``each`` what a piece
    costs where there is no rate.
    """

    code: str
    side: Side | None
    name_zh: str
    name_en: str
    rate: str
    base_zh: str
    base_en: str
    citation: str
    evidence: str
    minimum: Fen | None = None
    each: Fen | None = None


@dataclass(frozen=True, slots=True)
class StampDutyRelief:
    """A relief (减免) that leaves ``factor`` of the duty, for every item but those in ``not_for``, to the
    kinds of taxpayers in ``taxpayers``."""

    code: str
    name_zh: str
    name_en: str
    factor: Fraction
    not_for: tuple[str, ...]
    taxpayers: tuple[str, ...]
    for_zh: str
    for_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Exemption:
    """A reason why a document bears no duty (免税), for the items in ``items``, or for any where none is."""

    code: str
    name_zh: str
    name_en: str
    items: tuple[str, ...]
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class BaseRule:
    """How a base (计税依据) is found, or what an amendment of the document changes, in one sentence."""

    code: str
    text_zh: str
    text_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Rounding:
    """A duty below ``exempt_below`` is none, any other goes half up to ``unit``; not for ``not_for``."""

    unit: Fen
    exempt_below: Fen
    not_for: tuple[str, ...]
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Term:
    """How many ``days`` after the end of its period a duty is due, and how long the period is."""

    code: str
    period: Literal["week", "quarter"]
    days: int
    citation: str
    evidence: str


class Figures:
    """The file's figures, of all times."""

    def __init__(self, document: Row) -> None:
        self.rates: dict[tuple[str, str | None], list[Dated[StampDutyRate]]] = {}
        for row in document["items"]:
            key = (row["code"], row.get("side"))
            value = read(StampDutyRate, {"side": None, **row}, minimum=yuan, each=yuan)
            self.rates.setdefault(key, []).append(dated(row, value))
        self.reliefs = single(
            document["relief"], StampDutyRelief, factor=Fraction, not_for=tuple, taxpayers=tuple
        )
        self.exemptions = keyed(document["exemptions"], "code", Exemption, items=tuple)
        self.base_rules = keyed(document["base_rules"], "code", BaseRule)
        self.roundings = single(document["rounding"], Rounding, unit=yuan, exempt_below=yuan, not_for=tuple)
        self.terms = keyed(document["terms"], "code", Term)


@dataclass(frozen=True, slots=True)
class StampDutyRules:
    """The rules of stamp duty in force on ``day``."""

    day: date
    figures: Figures

    def rate(self, item: str, *, side: Side | None = None) -> StampDutyRate:
        """The rate of an item, or of one side of a securities transaction.

        Raises ``stamp_duty_item_unknown``, ``side_required`` and ``side_not_applicable``.
        """
        table = self.figures.rates
        sides = [key[1] for key in table if key[0] == item]
        if not sides:
            raise InvalidInputError("stamp_duty_item_unknown", value=item)
        if side not in sides:
            if sides == [None]:
                raise InvalidInputError("side_not_applicable", item=item, value=side)
            raise InvalidInputError("side_required", item=item)
        what = f"stamp_duty.items.{item}" + (f".{side}" if side else "")
        return in_force(what, table[item, side], self.day)

    def rates(self) -> tuple[StampDutyRate, ...]:
        """Every rate in force, in the order of the law's table."""
        return tuple(
            figure.value
            for figures in self.figures.rates.values()
            for figure in figures
            if figure.covers(self.day)
        )

    @property
    def relief(self) -> StampDutyRelief:
        """The relief that halves the duty of small taxpayers (六税两费)."""
        return in_force("stamp_duty.relief", self.figures.reliefs, self.day)

    def exemption(self, code: str) -> Exemption:
        """A reason of exemption (``exemption_unknown``)."""
        figures = self.figures.exemptions.get(code)
        if figures is None:
            known = " ".join(self.figures.exemptions)
            raise InvalidInputError("exemption_unknown", value=code, known=known)
        return in_force(f"stamp_duty.exemptions.{code}", figures, self.day)

    def exemptions(self) -> tuple[Exemption, ...]:
        """Every reason of exemption in force."""
        return tuple(
            figure.value
            for figures in self.figures.exemptions.values()
            for figure in figures
            if figure.covers(self.day)
        )

    def base_rule(self, code: str) -> BaseRule:
        """A rule on the base; ``no_rule_on_date`` where there is none on that day."""
        return in_force(f"stamp_duty.base_rules.{code}", self.figures.base_rules[code], self.day)

    def has_base_rule(self, code: str) -> bool:
        """Whether that rule on the base is in force."""
        return any(figure.covers(self.day) for figure in self.figures.base_rules[code])

    @property
    def rounding(self) -> Rounding:
        return in_force("stamp_duty.rounding", self.figures.roundings, self.day)

    def term(self, item: str) -> Term:
        """When the duty on an item is due: securities by the week, everything else by the quarter."""
        code = item if item in self.figures.terms else "documents"
        return in_force(f"stamp_duty.terms.{code}", self.figures.terms[code], self.day)
