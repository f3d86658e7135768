"""What ``offline.toml`` says: the caps and times of offline payment, all of them assumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ecny_tax.money import Fen, yuan
from ecny_tax.rulebook.figures import Row, in_force, single


@dataclass(frozen=True, slots=True)
class OfflineLimits:
    """The caps of a device in fen, and the times of its loads and of what is signed."""

    cap_single: Fen
    cap_total: Fen
    cap_count: int
    load_hours: int
    most_load_hours: int
    redeem_days: int
    grace_hours: int
    request_minutes: int
    skew_minutes: int
    list_days: int
    certificate_years: int
    root_years: int
    citation: str
    evidence: str


class Figures:
    """The file's figures, of all times."""

    def __init__(self, document: Row) -> None:
        self.limits = single(document["limits"], OfflineLimits, cap_single=yuan, cap_total=yuan)


@dataclass(frozen=True, slots=True)
class OfflineRules:
    """The rules of offline payment in force on ``day``."""

    day: date
    figures: Figures

    @property
    def limits(self) -> OfflineLimits:
        return in_force("offline.limits", self.figures.limits, self.day)
