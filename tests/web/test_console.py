"""The teaching console by plain HTTP: addresses, pages, refusals, and classes that follow."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from fastapi import FastAPI

from ecny_tax import Sandbox
from ecny_tax.errors import UnavailableError, catalogue
from ecny_tax.scenarios.classroom import play, title_of
from ecny_tax.scenarios.classroom_model import Action
from ecny_tax.scenarios.heshan import COMPANY
from ecny_tax.scenarios.lesson import chapters, tour
from ecny_tax.web.console import led, replays
from ecny_tax.web.console.addresses import MAX_SEED, Address, read_address
from ecny_tax.web.console.led import LedClasses
from ecny_tax.web.console.replays import Replays
from ecny_tax.web.console.routes import Console
from ecny_tax.web.problems import status_of_code
from tests.web.client import Answer, Api
from tests.web.conftest import serving

LESSON = ".".join(tour())
BAD = """<script>alert('x')</script><img src=x onerror="alert(1)">&amp;"""


played = cache(play)


class Page(HTMLParser):
    """What a page holds: tags, attributes, ids, links, and its text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.language = ""
        self.text = ""
        self.whole = content.decode()
        self.feed(self.whole)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.attributes.update(given)
        self.ids += [given["id"]] if given.get("id") else []  # type: ignore[list-item]
        self.links += [link for name in ("href", "src", "action") if (link := given.get(name))]
        if tag == "html":
            self.language = given["lang"] or ""
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def nobody(shared_server: tuple[str, FastAPI]) -> Api:
    """A visitor without a key, where no sandbox needs to be served beside the console."""
    return Api(shared_server[0], None)


def shown(visitor: Api, path: str) -> Page:
    answer = visitor.get(path)
    assert answer.status == 200, answer.content.decode()
    return Page(answer.content)


def refused(visitor: Api, path: str, code: str) -> Page:
    """The page of a refusal, in both languages, with its code and the status that goes with it."""
    answer = visitor.get(path)
    assert answer.status == status_of_code(code), answer.content.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.content)
    assert code in page.text
    begins = {language: catalogue()[code][language].partition("{")[0] for language in ("en", "zh")}
    assert all(words in page.text for words in begins.values())
    assert "Traceback" not in page.text
    return page


# --- pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_console_stands_at_the_root_and_needs_no_key(nobody: Api, language: str) -> None:
    page = shown(nobody, f"/?lang={language}")
    assert page.language == {"en": "en", "zh": "zh-CN"}[language]
    assert "/docs" in page.links
    assert ("模拟演示" if language == "zh" else "A simulation") in page.text


def test_the_language_of_the_browser_holds_where_the_address_names_none(nobody: Api) -> None:
    assert Page(nobody.get("/", Accept_Language="zh-CN,zh;q=0.9").content).language == "zh-CN"
    assert Page(nobody.get("/", Accept_Language="fr").content).language == "en"
    assert Page(nobody.get("/?lang=en", Accept_Language="zh-CN").content).language == "en"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("action", Action)
def test_every_action_can_be_the_first(nobody: Api, action: Action, language: str) -> None:
    page = shown(nobody, f"/?lang={language}&steps={action}")
    event = played(seed=7, actions=(action,)).events[0]
    zh = language == "zh"
    assert (event.title_zh if zh else event.title) in page.text
    assert (event.outcome_zh if zh else event.outcome) in page.text
    assert (event.refusal is not None) == ('class="outcome bad" id="outcome"' in page.whole)
    if event.refusal is not None:
        assert event.refusal.code in page.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_next_step_leads_through_the_whole_lesson(nobody: Api, language: str) -> None:
    path, seen = f"/?lang={language}", []
    while True:
        page = shown(nobody, path)
        found = re.search(r'id="next" data-step href="([^"]+)"', page.whole)
        if found is None:
            break
        path = found[1].replace("&amp;", "&")
        seen.append(path.rpartition("=")[2].rpartition(".")[2])
    assert seen == list(tour())
    for chapter in chapters():
        title = chapter.title_zh if language == "zh" else chapter.title
        assert title in Page(nobody.get(f"/?lang={language}&steps={_until(chapter.key)}").content).text
    assert "I14" in page.text


def _until(key: str) -> str:
    """The steps to the end of a chapter."""
    taken: list[str] = []
    for chapter in chapters():
        taken += chapter.actions
        if chapter.key == key:
            break
    return ".".join(taken)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_a_step_did_is_shown_as_picture_list_and_table(nobody: Api, language: str) -> None:
    page = shown(nobody, f"/?lang={language}&steps=sign.pay")
    event = played(seed=7, actions=(Action.SIGN, Action.PAY)).events[-1]
    for message in event.messages:
        assert (message.said_zh if language == "zh" else message.said) in page.text
        assert message.number in page.text
    (entry,) = event.entries
    assert f"<td>{entry.seq}</td>" in page.whole
    assert '<td class="sum">17,000.00</td>' in page.whole
    assert page.tags.count("svg") == 3  # messages, money flow, receipt


def test_every_place_of_the_page_stays_within_the_server(nobody: Api) -> None:
    page = shown(nobody, f"/?steps={LESSON}")
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in page.links), page.links
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]
    assert "style" not in page.tags
    for file in ("/console.css", "/console.js"):
        assert not re.search(r"https?://|@import|url\(|eval|innerHTML", nobody.get(file).content.decode())


def test_a_step_leads_to_what_it_did(nobody: Api) -> None:
    for number in range(1, len(tour()) + 1):
        page = shown(nobody, f"/?steps={'.'.join(tour()[:number])}")
        places = {link.removeprefix("#") for link in page.links if link.startswith("#")}
        assert places <= set(page.ids)


@pytest.mark.parametrize("steps", ["", "sign", LESSON])
def test_ids_are_unique_and_headings_in_order(nobody: Api, steps: str) -> None:
    page = shown(nobody, f"/?steps={steps}")
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    labels = re.findall(r'aria-labelledby="([^"]+)"', page.whole)
    assert set(labels) <= set(page.ids)


def test_earlier_steps_link_to_their_own_addresses(nobody: Api) -> None:
    page = shown(nobody, "/?lang=en&steps=sign.pay.refund")
    for prefix in ("sign", "sign.pay", "sign.pay.refund"):
        assert f"/?seed=7&lang=en&steps={prefix}" in page.links
    assert "/?seed=7&lang=zh&steps=sign.pay.refund" in page.links


def test_the_same_address_gives_the_same_page(
    nobody: Api, shared_server: tuple[str, FastAPI], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/?seed=11&lang=en&steps=sign.pay.load.cut.ask.hand-over"
    first = nobody.get(path).content
    assert nobody.get(path).content == first
    console: Console = shared_server[1].state.console
    monkeypatch.setattr(console, "replays", Replays(play, COMPANY))  # which have played nothing yet
    assert nobody.get(path).content == first


def test_headers_close_the_page_to_the_outside(nobody: Api) -> None:
    for path in ("/", "/?steps=x", "/console.js", "/console.css", "/class/AAAAAA"):
        headers = nobody.get(path).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
            " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_the_console_is_no_part_of_the_document_and_leaves_the_served_sandbox_alone(
    sandbox: Sandbox, address: str
) -> None:
    nobody = Api(address, None)
    before = sandbox.status()
    shown(nobody, f"/?steps={LESSON}")
    assert sandbox.status() == before
    assert not [
        path
        for path in nobody.get("/openapi.json").json["paths"]
        if not path.startswith(("/v1/", "/healthz", "/readyz"))
    ]


def test_the_trace_is_a_picture_of_its_own(nobody: Api) -> None:
    for language in ("en", "zh"):
        page = shown(nobody, f"/?lang={language}&steps=sign.pay.trace")
        (place,) = [link for link in page.links if link.startswith("/trace.svg")]
        picture = nobody.get(place)
        assert picture.headers["content-type"] == "image/svg+xml"
        assert ("资金溯源" if language == "zh" else "Trace of") in picture.content.decode()
    refused(nobody, "/trace.svg?steps=sign", "class_without_trace")


def test_an_address_says_which_methods_it_takes(nobody: Api) -> None:
    for path, methods in (("/", {"GET"}), ("/class/AAAAAA", {"GET", "POST"}), ("/class", {"POST"})):
        answer = nobody.ask("DELETE", path, None, {})
        assert answer.status == 405
        assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == methods
    head = nobody.ask("HEAD", "/?steps=sign", None, {})
    assert head.status == 200
    assert head.content == b""


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("steps=dance", "class_step_unknown"),
        ("steps=sign..pay", "class_step_unknown"),
        ("steps=" + quote(BAD), "class_step_unknown"),
        ("steps=" + ".".join(["cut"] * 61), "class_too_long"),
        ("steps=" + ".".join(["cut"] * 3000), "class_too_long"),
        ("seed=-1", "class_seed_malformed"),
        ("seed=1e3", "class_seed_malformed"),
        ("seed=%D9%A3", "class_seed_malformed"),
        (f"seed={MAX_SEED + 1}", "class_seed_malformed"),
        ("seed=" + "9" * 5000, "class_seed_malformed"),
        ("lang=fr", "language_unknown"),
        ("seed=1&seed=2", "request_malformed"),
        ("company=" + "x" * 101, "name_malformed"),
        ("company=%00", "name_malformed"),
    ],
)
def test_what_an_address_cannot_mean_is_a_page_with_the_refusal(nobody: Api, query: str, code: str) -> None:
    page = refused(nobody, f"/?{query}", code)
    assert "script" in page.tags
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    if "lang" not in query:
        assert Page(nobody.get(f"/?{query}&lang=zh").content).language == "zh-CN"


def test_the_longest_class_and_the_largest_seed_are_taken(nobody: Api) -> None:
    shown(nobody, f"/?seed={MAX_SEED}&steps={'.'.join(['cut'] * 60)}")


def test_what_others_add_to_a_link_is_passed_over(nobody: Api) -> None:
    page = shown(nobody, "/?utm_source=mail&steps=sign&lang=en")
    assert not [link for link in page.links if "utm" in link]


@pytest.mark.parametrize("steps", ["", "sign", "sign.pay.load.cut.ask.hand-over", LESSON])
def test_markup_in_the_name_of_the_company_is_shown_as_text(nobody: Api, steps: str) -> None:
    page = shown(nobody, f"/?{urlencode({'company': BAD, 'steps': steps, 'lang': 'en'})}")
    assert page.tags.count("script") == 1
    assert all("/trace.svg" in image for image in re.findall("<img[^>]*>", page.whole))
    assert BAD in page.text
    assert "onerror" not in page.attributes
    if "trace" in steps:
        (place,) = [link for link in page.links if link.startswith("/trace.svg")]
        assert b"<script" not in nobody.get(place).content


def test_a_new_class_has_another_seed_and_keeps_the_rest(nobody: Api) -> None:
    places = {nobody.get("/new?lang=zh&company=ABC&steps=sign&seed=7").headers["location"] for _ in range(8)}
    assert len(places) > 1
    for place in places:
        assert re.fullmatch(r"/\?seed=\d{1,6}&lang=zh&company=ABC", place)


# --- what one visitor may cost ----------------------------------------------------------------------------


def test_a_class_is_played_once_and_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "KEPT", 2)
    played = []

    def counted(*, seed, company, actions):  # type: ignore[no-untyped-def]
        played.append(seed)
        return (seed, company, actions)

    kept = Replays(counted, "usual")
    for seed in (1, 1, 2, 1, 3, 1, 2):
        assert kept.lesson(Address("en", seed=seed)) == (seed, "usual", ())  # type: ignore[comparison-overlap]
    assert played == [1, 2, 3, 2]


def test_too_many_at_once_are_told_to_come_again(
    nobody: Api, shared_server: tuple[str, FastAPI], monkeypatch: pytest.MonkeyPatch
) -> None:
    console: Console = shared_server[1].state.console
    go = threading.Event()
    begun = threading.Semaphore(0)

    def slow(address: Address) -> None:
        begun.release()
        go.wait(20)
        raise UnavailableError("too_many_replays", limit=0)

    monkeypatch.setattr(console.replays, "lesson", slow)
    monkeypatch.setattr(replays, "MAX_WAITING", 0)
    answers: list[Answer] = []
    askers = [threading.Thread(target=lambda: answers.append(nobody.get("/?seed=1"))) for _ in range(2)]
    for one in askers:
        one.start()
    for _ in askers:
        assert begun.acquire(timeout=20)
    try:
        page = nobody.get("/?seed=2")
        assert page.status == 503
        assert page.headers["retry-after"]
        assert nobody.get("/healthz").status == 200
    finally:
        go.set()
        for one in askers:
            one.join(20)
    assert len(answers) == 2


# --- classes that follow ----------------------------------------------------------------------------------


def led_by(visitor: Api, query: str = "lang=en&steps=sign") -> tuple[str, str]:
    """Begin to lead a class: its code, and the leader's cookie."""
    answer = visitor.ask("POST", f"/class?{query}", None, {})
    assert answer.status == 303, answer.content.decode()
    cookie = answer.headers["set-cookie"]
    found = re.search(r"class=([A-Z2-9]{6})", answer.headers["location"])
    assert found is not None
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    return found[1], cookie.partition(";")[0]


def moved(visitor: Api, code: str, cookie: str, steps: str, **headers: str) -> Answer:
    return visitor.ask("POST", f"/class/{code}?lang=zh&steps={steps}", None, {"Cookie": cookie, **headers})


@contextmanager
def listening(address: str, code: str, *, after: str = "", last: str = "") -> Iterator[Iterator[str]]:
    """The events of a class as they come, each as its text."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
        more = f"Last-Event-ID: {last}\r\n" if last else ""
        query = f"?after={after}" if after else ""
        connection.sendall(
            f"GET /class/{code}/events{query} HTTP/1.1\r\nHost: {place.netloc}\r\n{more}\r\n".encode()
        )
        stream = connection.makefile("r", encoding="utf-8", newline="")
        assert "200" in stream.readline()

        def events() -> Iterator[str]:
            event = ""
            for line in stream:
                if re.match(r"(id|event|data|retry|:)", line):
                    event += line
                elif event and not line.strip():
                    yield event
                    event = ""

        heard = events()
        assert "retry" in next(heard)
        yield heard


def test_a_follower_sees_what_the_leader_shows_in_a_language_of_their_own(nobody: Api) -> None:
    code, cookie = led_by(nobody)
    page = shown(nobody, f"/class/{code}?lang=zh")
    assert title_of(Action.SIGN)[1] in page.text
    assert not [link for link in page.links if link.startswith("/?") and "pay" in link]
    assert moved(nobody, code, cookie, "sign.pay").status == 204
    page = shown(nobody, f"/class/{code.lower()}?lang=en")
    assert title_of(Action.PAY)[0] in page.text
    assert page.language == "en"


def test_the_leader_leads_without_script_too(nobody: Api) -> None:
    code, cookie = led_by(nobody)
    page = Page(nobody.get(f"/?lang=en&class={code}&steps=sign.pay", Cookie=cookie).content)
    assert f"/class/{code}?seed=7&lang=en&steps=sign.pay" in page.links
    assert f"/?seed=7&lang=en&class={code}&steps=sign.pay.refund" in page.links
    answer = moved(nobody, code, cookie, "sign.pay", Accept="text/html")
    assert answer.status == 303
    assert answer.headers["location"] == f"/?seed=7&lang=zh&class={code}&steps=sign.pay"


def test_a_leader_leads_for_as_long_as_the_class_moves(nobody: Api) -> None:
    """A browser forgets the secret when the server would forget the class; each step puts both off."""
    answer = nobody.ask("POST", "/class", None, {})
    begun = answer.headers["set-cookie"]
    assert f"Max-Age={led.FORGOTTEN_SECONDS};" in begun
    code = begun.partition("=")[0].removeprefix("ecny-tax-class-")
    for headers in ({}, {"Accept": "text/html"}):
        assert moved(nobody, code, begun.partition(";")[0], "sign", **headers).headers["set-cookie"] == begun
    assert "set-cookie" not in moved(nobody, code, "", "sign").headers


def test_nobody_else_moves_a_class(nobody: Api) -> None:
    code, cookie = led_by(nobody)
    _, others_cookie = led_by(nobody)
    for wrong in ("", others_cookie, f"{cookie}x", f"ecny-tax-class-{code}="):
        assert moved(nobody, code, wrong, "sign.pay").status == 403
    for elsewhere in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": f"{nobody.address}@evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = moved(nobody, code, cookie, "sign.pay", **elsewhere)
        assert answer.status == 403
        assert b"request_from_elsewhere" in answer.content
        assert nobody.ask("POST", "/class", None, elsewhere).status == 403
    assert moved(nobody, code, cookie, "sign.pay", Origin=nobody.address).status == 204
    page = shown(nobody, f"/?lang=en&class={code}&steps=sign")
    assert "led elsewhere" in page.text
    assert "data-lead" not in page.whole


def test_two_followers_hear_of_every_step_and_one_comes_back_after_a_lost_connection(nobody: Api) -> None:
    code, cookie = led_by(nobody)
    with listening(nobody.address, code, after="1") as first:
        with listening(nobody.address, code, after="1") as second:
            moved(nobody, code, cookie, "sign.pay")
            for heard in (first, second):
                assert next(heard) == "id: 2\r\nevent: step\r\ndata: 2\r\n".replace("\r", "")
        # The second has lost its connection; the class goes on.
        moved(nobody, code, cookie, "sign.pay.refund")
        assert "data: 3" in next(first)
        with listening(nobody.address, code, after="1", last="2") as second:
            assert "data: 3" in next(second)
            moved(nobody, code, cookie, "sign")
            assert "data: 4" in next(second)
            assert "data: 4" in next(first)


def test_who_comes_late_hears_at_once_and_the_same_step_is_no_news(nobody: Api) -> None:
    code, cookie = led_by(nobody)
    moved(nobody, code, cookie, "sign.pay")
    moved(nobody, code, cookie, "sign.pay")
    for after in ("1", "junk", "", "-4", "9" * 40):
        with listening(nobody.address, code, after=after) as heard:
            assert "data: 2" in next(heard)


def test_a_stream_says_that_it_is_there(nobody: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(led, "HEARTBEAT_SECONDS", 0.1)
    code, _ = led_by(nobody)
    with listening(nobody.address, code, after="1") as heard:
        assert next(heard).startswith(": here")
        assert next(heard).startswith(": here")


def test_listeners_and_classes_are_bounded_and_places_are_given_back(
    nobody: Api, shared_server: tuple[str, FastAPI], monkeypatch: pytest.MonkeyPatch
) -> None:
    console: Console = shared_server[1].state.console
    monkeypatch.setattr(console, "led", LedClasses())
    monkeypatch.setattr(led, "MAX_LISTENERS", 1)
    monkeypatch.setattr(led, "MAX_CLASSES", 1)
    code, cookie = led_by(nobody)
    with listening(nobody.address, code, after="1"):
        assert b"too_many_classes" in nobody.ask("POST", "/class", None, {}).content
        answer = nobody.get(f"/class/{code}/events")
        assert answer.status == 503
        assert b"too_many_listeners" in answer.content
    deadline = time.monotonic() + 20
    while nobody_listens(console) is False and time.monotonic() < deadline:
        time.sleep(0.02)
    with listening(nobody.address, code, after="1") as heard:
        moved(nobody, code, cookie, "sign.pay")
        assert "data: 2" in next(heard)


def test_a_new_class_takes_the_place_of_one_that_nobody_listens_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins classes and leaves them keeps nobody from it, and ends none that is followed."""
    monkeypatch.setattr(led, "MAX_CLASSES", 3)
    now = iter(range(1000))
    classes = LedClasses(lambda: next(now))
    followed, moved_since, left = (classes.lead(Address("en")) for _ in range(3))
    classes.enter(followed.code)
    classes.move(moved_since.code, moved_since.token, Address("en", seed=1))
    for _ in range(2):
        classes.lead(Address("en"))
        assert left.over
        left = moved_since
    assert classes.find(followed.code) is followed


def nobody_listens(console: Console) -> bool:
    return not any(one.listeners for one in console.led._classes.values())


def test_a_class_without_movement_is_forgotten_and_its_listeners_hear_of_it(
    nobody: Api, shared_server: tuple[str, FastAPI], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(shared_server[1].state.console, "led", LedClasses(lambda: now[0]))
    monkeypatch.setattr(led, "HEARTBEAT_SECONDS", 0.1)
    code, cookie = led_by(nobody)
    now[0] = led.FORGOTTEN_SECONDS - 1
    moved(nobody, code, cookie, "sign.pay")
    now[0] += led.FORGOTTEN_SECONDS - 1
    with listening(nobody.address, code, after="2") as heard:
        assert next(heard).startswith(": here")
        now[0] += 2
        assert any("event: over" in event for event in heard)
    refused(nobody, f"/class/{code}", "class_not_found")
    assert moved(nobody, code, cookie, "sign").status == 404


@pytest.mark.parametrize("code", ["AAAAAA", "x", "%3Cscript%3E", "x" * 2000, "%E4%B8%AD"])
def test_a_class_that_is_not_there(nobody: Api, code: str) -> None:
    page = refused(nobody, f"/class/{code}", "class_not_found")
    assert page.tags.count("script") == 1
    refused(nobody, f"/class/{code}/events", "class_not_found")
    assert nobody.ask("HEAD", f"/class/{code}/events", None, {}).status == 404
    answer = nobody.get(f"/follow?lang=zh&code={code}")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/class/")
    shown(nobody, f"/?class={code}")
    refused(nobody, "/follow?code=", "class_not_found")


def test_streams_end_when_the_server_stops() -> None:
    with serving(Sandbox.open(":memory:")) as address:
        code, _ = led_by(Api(address, None))
        place = listening(address, code, after="1")
        heard = place.__enter__()
        begun = time.monotonic()
    assert list(heard) == []
    assert time.monotonic() - begun < 5
    place.__exit__(None, None, None)


def test_an_address_reads_back_as_it_was_written() -> None:
    one = Address("zh", seed=MAX_SEED, company="甲 & <b>", steps=(Action.HAND_OVER, Action.PAY), led="ABCDEF")
    assert read_address(parse_qsl(urlsplit(str(one)).query), "en") == one


# --- what it looks like -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(nobody: Api, scheme: str) -> None:
    """WCAG 2.2, AA: 4.5 to 1."""
    style = nobody.get("/console.css").content.decode()
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    colours = {name: light if scheme == "light" else dark for name, light, dark in found}
    pairs = [(ink, behind) for ink in ("ink", "quiet", "red", "link") for behind in ("ground", "card")]
    pairs += [("ink", "good"), ("ink", "bad"), ("good-edge", "card"), ("bad-edge", "card")]
    for ink, behind in pairs:
        assert _contrast(colours[ink], colours[behind]) >= 4.5, (ink, behind)
    assert _contrast("#ffffff", colours["button"]) >= 4.5


def test_a_browser_that_cannot_choose_between_schemes_has_the_light_one(nobody: Api) -> None:
    style = nobody.get("/console.css").content.decode()
    chosen = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}), #\w{6}\)", style))
    without = style.partition("@supports not (color: light-dark(")[2].partition("}\n}")[0]
    assert dict(re.findall(r"--([\w-]+): (#\w{6});", without)) == chosen
    assert set(re.findall(r"var\(--([\w-]+)\)", style)) == set(chosen)


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = [(x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4) for x in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)
