"""The page of a class: what its template is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ecny_tax.errors import EcnyTaxError, Language
from ecny_tax.money import yuan_text
from ecny_tax.qr import LEAST, qr_code
from ecny_tax.scenarios.classroom import title_of
from ecny_tax.scenarios.classroom_model import Action, Actor, Event, Lesson
from ecny_tax.scenarios.lesson import titles_of
from ecny_tax.web.console import pictures, words
from ecny_tax.web.console.addresses import Address
from ecny_tax.web.console.advice import advice
from ecny_tax.web.console.tour import Stop

_TEMPLATES = Environment(
    loader=PackageLoader("ecny_tax.web.console"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as SVG, and the same as lines of text for whoever cannot see it."""

    picture: Markup
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """Where the reader sits: ``mode`` is leader, follower or alone.

    ``reach`` is where other machines find the server, or empty where none does; ``followed`` is the code of
    the class that is followed, and ``version`` counts its movements so far.
    """

    mode: str
    origin: str
    reach: str
    followed: str = ""
    version: int = 0


def page(address: Address, lesson: Lesson, stop: Stop, seat: Seat) -> str:
    """The page of a class as HTML."""
    language = address.language
    lesson = _as_the_tour_calls_it(lesson)
    standing = lesson.standing
    held = {one.account: one.balance for one in standing.accounts}
    newest = lesson.events[-1] if lesson.events else None
    return _TEMPLATES.get_template("page.html").render(
        **_common(language),
        account=lambda account: pictures.account_name(account, language, _names(lesson)),
        address=address,
        query=str(address.alone()).removeprefix("/"),
        lesson=lesson,
        s=standing,
        stop=stop,
        mode=seat.mode,
        seat=seat,
        origin=seat.reach or seat.origin,
        scanned=_scanned(newest, lesson),
        other_language=_in_the_other_language(address, seat),
        new_class=str(address.at_the_beginning()).replace("/?", "/new?", 1),
        groups=words.GROUPS,
        place=words.PLACES.get(newest.action) if newest and not newest.refusal else None,
        messages=_messages(newest, language) if newest else None,
        money=_money(lesson, language),
        split=_split(lesson, language),
        receipt_picture=Markup(standing.paid.receipt_qr) if standing.paid else "",  # noqa: S704 - ours
        held=lambda account: held.get(account, 0),
        waiting=sum(one.balance for one in standing.accounts if one.kind == "collection"),
        mode_word=lambda mode: "offline_mode" if mode == "offline" else mode,
        picture=_qr_picture,
    )


def _as_the_tour_calls_it(lesson: Lesson) -> Lesson:
    """The class with its steps named as the tour names them."""
    titles = titles_of([event.action for event in lesson.events])
    events = (
        replace(event, title=title, title_zh=title_zh)
        for event, (title, title_zh) in zip(lesson.events, titles, strict=True)
    )
    return replace(lesson, events=tuple(events))


def _scanned(newest: Event | None, lesson: Lesson) -> tuple[str, str] | None:
    """The code that the newest step shows to be scanned: the word for it, and its text."""
    shown = lesson.standing.offline
    if newest is not None and newest.action is Action.ASK and shown.request:
        return "scan_request", shown.request
    if newest is not None and newest.action is Action.HAND_OVER and shown.voucher:
        return "scan_voucher", shown.voucher
    return None


def refused_page(error: EcnyTaxError, language: Language) -> str:
    """A refusal as a page, in the reader's language first."""
    return _TEMPLATES.get_template("refused.html").render(
        **_common(language), error=error, beginning=str(Address(language))
    )


def _common(language: Language) -> dict[str, Any]:
    """What every template says things with."""

    def said(thing: object, name: str) -> object:
        return getattr(thing, f"{name}_zh" if language == "zh" else name)

    return {
        "lang": language,
        "t": lambda key, **values: words.word(key, language, **values),
        "said": said,
        "advice": lambda error: advice(error, language),
        "sentence": lambda text: text[:1].upper() + text[1:],
        "action": lambda action: words.pick(title_of(Action(action)), language),
        "pane": lambda actor: words.pick(words.ACTORS[Actor(actor)], language),
        "yuan": lambda amount: yuan_text(amount, grouped=True),
        "when": _when,
    }


def _when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _in_the_other_language(address: Address, seat: Seat) -> str:
    other: Language = "en" if address.language == "zh" else "zh"
    if seat.followed:
        return f"/class/{seat.followed}?lang={other}"
    return str(address.in_language(other))


def _actors(language: Language) -> dict[Actor, str]:
    return {actor: words.pick(said, language) for actor, said in words.ACTORS.items()}


def _names(lesson: Lesson) -> dict[str, str]:
    """Who holds which wallet of the class."""
    return {purse.wallet_id: purse.holder for purse in (lesson.standing.company, lesson.standing.person)}


def _messages(event: Event, language: Language) -> Picture:
    names = _actors(language)
    return Picture(
        _svg(pictures.sequence(event, language, names, id_prefix="messages")),
        pictures.sequence_lines(event, language, names),
    )


def _money(lesson: Lesson, language: Language) -> Picture:
    earlier = tuple(entry for event in lesson.events[:-1] for entry in event.entries)
    newest = lesson.events[-1].entries if lesson.events else ()
    accounts, names = lesson.standing.accounts, _names(lesson)
    return Picture(
        _svg(pictures.money_flow(earlier, newest, accounts, language, names=names, id_prefix="money")),
        pictures.money_lines(newest, accounts, language, names=names),
    )


def _split(lesson: Lesson, language: Language) -> Picture | None:
    closing = lesson.standing.closing
    if closing is None:
        return None
    return Picture(
        _svg(pictures.treasury_split(closing, language, id_prefix="split")),
        pictures.split_lines(closing, language),
    )


def _qr_picture(text: str) -> Markup:
    """A text as a QR code, for a class to scan."""
    return _svg(
        qr_code(text, LEAST).svg_inline(omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None)
    )


def _svg(picture: str) -> Markup:
    """A picture that this program drew; what it was given, it escaped."""
    return Markup(picture)  # noqa: S704
