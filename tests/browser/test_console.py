"""The teaching console in a real browser: by keyboard, on a phone, with others, and with bad luck."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from ecny_tax.scenarios.classroom import play, title_of
from ecny_tax.scenarios.classroom_model import Action
from ecny_tax.scenarios.lesson import titles_of, tour
from ecny_tax.web.console import led, routes

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Open = Callable[..., Page]

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
LESSON = ".".join(tour())
OFFLINE = (
    Action.LOAD,
    Action.CUT,
    Action.ASK,
    Action.HAND_OVER,
    Action.ACCEPT,
    Action.RESTORE,
    Action.REDEEM,
)
FRAUD = (Action.LOAD, Action.CUT, Action.ASK, Action.HAND_OVER, Action.ACCEPT, Action.COPY)
BAD = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&lt;"


def take(page: Page, action: Action) -> None:
    """Take any action by its link."""
    page.locator(f".actions a[href$='{action}']").click()
    page.wait_for_url(lambda url: url.endswith(action))


def picture(page: Page, place: Path) -> None:
    """Keep a picture of the whole page; Playwright's own takes twice as long, for a smaller file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    devtools = page.context.new_cdp_session(page)
    size = devtools.send("Page.getLayoutMetrics")["cssContentSize"]
    taken = devtools.send(
        "Page.captureScreenshot",
        {
            "format": "png",
            "optimizeForSpeed": True,
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1},
        },
    )
    devtools.detach()
    place.write_bytes(b64decode(taken["data"]))


def title(action: Action, language: str) -> str:
    return title_of(action)[1 if language == "zh" else 0]


# Each page takes a browser its time, so that all that holds of every step is looked at in one pass.
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_whole_lesson_by_keyboard_alone_on_a_wide_and_on_a_narrow_screen(
    open_page: Open, language: str
) -> None:
    page = open_page()
    page.goto(f"/?lang={language}")
    picture(page, SCREENSHOTS / language / "00-start.png")
    for number, action in enumerate(tour(), start=1):
        if number == 1:  # by the way of any link
            for _ in range(40):
                page.keyboard.press("Tab")
                if page.evaluate("document.activeElement.id") == "next":
                    break
            page.keyboard.press("Enter")
        else:
            page.keyboard.press("Alt+n")
        steps = ".".join(tour()[:number])
        page.wait_for_url(lambda url, steps=steps: url.endswith(f"steps={steps}"))
        page.locator("#newest:focus").wait_for()
        assert titles_of(tour())[number - 1][language == "zh"] in page.locator("#newest").inner_text()
        picture(page, SCREENSHOTS / language / f"{number:02d}-{action}.png")
        page.locator("#live:not(:empty)").wait_for(state="attached")
        every_picture_is_named_and_said_in_words(page)
        fits_on_a_phone(page, language, number)
    assert page.locator("#next").count() == 0
    assert page.locator("#verification ~ .outcome.good").count() == 1
    caught = play(seed=7, actions=tour()).standing.offline.caught
    assert caught in page.locator("#caught").inner_text()


def every_picture_is_named_and_said_in_words(page: Page) -> None:
    pictures = page.evaluate(_PICTURES)
    assert len(pictures) >= 2
    for name, words in pictures:
        assert name.strip()
        assert words, name


#: Of every picture its name, and whether the same stands as text in the card that it is part of.
_PICTURES = """
[...document.querySelectorAll("main svg, main img")].map((picture) => {
  const shown = picture.closest("[role=img]") ?? picture;
  const named = document.getElementById(shown.getAttribute("aria-labelledby") ?? "");
  const name = shown.getAttribute("aria-label") ?? shown.getAttribute("alt") ?? named?.textContent ?? "";
  const beside = picture.closest("section").querySelector("ol, .words li, pre");
  return [name, picture.matches("img") || Boolean(beside?.textContent.trim())];
})
"""


def fits_on_a_phone(page: Page, language: str, number: int) -> None:
    """Nothing but what says so scrolls sideways on 360 pixels; of some steps a picture is kept."""
    page.set_viewport_size({"width": 360, "height": 900})
    page.emulate_media(color_scheme="dark" if language == "zh" else "light")
    width, room = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert width <= room == 360
    if number % 6 == 1:
        picture(page, SCREENSHOTS / f"{language}-360" / f"{number:02d}.png")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def test_the_skip_link_leads_to_the_newest_step(open_page: Open) -> None:
    page = open_page()
    page.goto("/?steps=sign")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "newest"


def test_offline_by_qr_between_two_panes_without_script(open_page: Open) -> None:
    page = open_page(script=False)
    page.goto("/?lang=en")
    for action in OFFLINE:
        take(page, action)
        if action is Action.CUT:
            assert page.locator(".network.off").count() == 1
        if action is Action.ASK:
            shown = page.get_by_role("img", name="QR code that the terminal shows: its request")
            assert shown.is_visible()
        if action is Action.HAND_OVER:
            shown = page.get_by_role("img", name="QR code that the device shows: its voucher")
            assert shown.is_visible()
            page.get_by_label("Device").get_by_text("Text of the code").click()
            played = play(seed=7, actions=OFFLINE[: OFFLINE.index(Action.HAND_OVER) + 1])
            assert page.locator("#voucher-text").inner_text() == played.standing.offline.voucher
    played = play(seed=7, actions=OFFLINE)
    assert played.events[-1].outcome in page.locator("#outcome").inner_text()
    assert page.locator(".network.on").count() == 1
    assert page.locator("table.entries tbody tr").count() == len(played.events[-1].entries) > 0


def test_without_network_what_needs_it_is_refused(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en&steps=sign")
    take(page, Action.CUT)
    take(page, Action.PAY)
    assert "network_is_off" in page.locator("#outcome.bad").inner_text()
    assert page.locator("table.entries").count() == 0


def test_a_double_spend_is_caught(open_page: Open) -> None:
    page = open_page()
    page.goto(f"/?lang=zh&steps={'.'.join(FRAUD)}")
    assert page.locator("#caught").count() == 0
    take(page, Action.RESTORE)
    take(page, Action.REDEEM)
    voucher = play(seed=7, actions=[*FRAUD, Action.RESTORE, Action.REDEEM]).standing.offline.caught
    assert voucher in page.locator("#caught").inner_text()
    take(page, Action.VERIFY)
    assert page.locator(".checks tbody tr").count() > 10
    assert "✗" not in page.locator(".checks").inner_text()


def test_the_language_changes_and_the_state_stays(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en&seed=5&company=ABC&steps=sign.pay")
    page.get_by_role("link", name="中文").click()
    page.wait_for_url("**lang=zh**")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert title(Action.PAY, "zh") in page.locator("#newest").inner_text()
    assert page.locator(".holder").first.inner_text() == "ABC"
    page.go_back()
    assert title(Action.PAY, "en") in page.locator("#newest").inner_text()


def test_whatever_scrolls_sideways_on_a_phone_does_so_by_keyboard_too(open_page: Open) -> None:
    page = open_page(width=360)
    page.goto(f"/?lang=en&steps={LESSON}")
    scrolled = page.evaluate(_SCROLLED)
    assert {"picture wide", "scroll"} <= {name for name, _ in scrolled}
    for name, focused in scrolled:
        assert focused, name


#: Of everything that is wider than its room its class, and whether it takes the focus under a name.
_SCROLLED = """
[...document.querySelectorAll("main *")].filter((one) =>
  one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX === "auto"
).map((one) => [
  one.className,
  one.tabIndex === 0 && Boolean(one.ariaLabel || one.getAttribute("aria-labelledby")),
])
"""


def test_a_long_name_and_a_refusal_fit_on_360_pixels_too(open_page: Open) -> None:
    page = open_page(width=360)
    for place in ("/", f"/?{urlencode({'company': 'W' * 100, 'steps': LESSON})}", f"/?steps={'x' * 500}"):
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_two_browsers_do_not_disturb_each_other(open_page: Open) -> None:
    one, other = open_page(), open_page()
    one.goto("/?lang=en&company=One")
    other.goto("/?lang=en&company=Other")
    for action in (Action.SIGN, Action.PAY):
        take(one, action)
    take(other, Action.PAY)
    assert "3,000.00" in one.get_by_label("Company", exact=True).inner_text()
    assert one.locator(".holder").first.inner_text() == "One"
    assert other.locator(".holder").first.inner_text() == "Other"
    assert "none yet" in other.get_by_label("Tax authority").inner_text()
    assert len(one.locator(".history li").all()) == 2
    assert len(other.locator(".history li").all()) == 1


def lead(leader: Page, follower: Page) -> None:
    """One leads a class that has signed, and the other follows it."""
    leader.goto("/?lang=en&steps=sign")
    leader.get_by_role("button", name="Lead a class").click()
    leader.wait_for_selector("[data-lead]")
    follower.goto(f"/class/{leader.locator('.class-code').inner_text()}?lang=en")


def test_a_class_follows_its_leader(open_page: Open) -> None:
    leader, follower, another = open_page(), open_page(width=360), open_page()
    leader.goto("/?lang=en&steps=sign")
    leader.get_by_role("button", name="Lead a class").click()
    leader.wait_for_selector("[data-lead]")
    code = leader.locator(".class-code").inner_text()
    follower.goto("/?lang=zh")
    follower.get_by_label("课堂代码").fill(code.lower())
    follower.get_by_role("button", name="跟随课堂").click()
    follower.wait_for_selector("[data-follow]")
    another.goto(f"/class/{code}?lang=en")
    assert follower.locator(".actions").count() == 0
    for action in (Action.PAY, Action.REFUND):
        take(leader, action)
        follower.get_by_role("heading", name=title(action, "zh")).wait_for()
        another.get_by_role("heading", name=title(action, "en")).wait_for()
    leader.go_back()
    follower.get_by_role("heading", name=title(Action.PAY, "zh")).wait_for()
    another.get_by_role("heading", name=title(Action.PAY, "en")).wait_for()


def test_who_stops_leading_ends_the_class(open_page: Open) -> None:
    leader, follower = open_page(), open_page()
    lead(leader, follower)
    follower.get_by_text("You follow class").wait_for()
    leader.get_by_role("button", name="Stop leading").click()
    leader.wait_for_url("**/?seed=7&lang=en&steps=sign")
    assert leader.locator("[data-lead]").count() == 0
    follower.get_by_text("The class is over.").wait_for()
    assert follower.get_by_text("You follow class").count() == 0
    assert title(Action.SIGN, "en") in follower.locator("#newest").inner_text()
    follower.reload()
    follower.get_by_text("The class is over").wait_for()


def test_on_a_phone_the_result_comes_first_and_the_next_step_below_it(open_page: Open) -> None:
    page = open_page(width=360)
    page.goto("/?lang=en&steps=sign")
    below = page.locator(".newest .next")
    for steps in ("sign.pay", "sign.pay.pay"):
        below.click()
        page.wait_for_url(f"**steps={steps}")
        page.locator("#newest:focus").wait_for()
        tops = [
            page.locator(place).evaluate("one => one.getBoundingClientRect().top")
            for place in ("#newest", "#outcome", ".newest .next", ".tour")
        ]
        assert tops == sorted(tops)
        assert 0 <= tops[0] <= tops[2] < 900
    assert page.locator(".fold[open]").count() == 0
    assert page.locator(".swipe").first.is_visible()
    assert page.locator("svg.sequence").evaluate("one => one.getScreenCTM().a") >= 1  # not shrunk
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not below.is_visible()
    page.reload()
    assert page.locator(".fold[open]").count() == 2


def test_a_phone_is_told_of_no_key(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en")
    page.locator(".keys").wait_for()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setEmulatedMedia", {"features": [{"name": "pointer", "value": "coarse"}]})
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    page.locator(".keys").wait_for(state="hidden")


def test_the_heading_of_a_step_is_marked_at_its_side(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en")
    page.locator("#next").click()
    page.locator("#newest:focus").wait_for()
    style = page.locator("#newest").evaluate(
        "one => { const s = getComputedStyle(one);"
        " return [s.outlineStyle, s.borderLeftWidth, s.borderLeftStyle, s.borderTopWidth] }"
    )
    assert style == ["none", "4px", "solid", "0px"]


def hurry(page: Page) -> None:
    """Let its script wait for a twentieth of a second wherever it waits for seconds."""
    page.add_init_script("const wait = window.setTimeout; window.setTimeout = (act) => wait(act, 50);")


def test_a_follower_who_lost_the_connection_goes_on(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_RETRY_MILLISECONDS", 100)
    leader, follower = open_page(), open_page()
    hurry(follower)
    lead(leader, follower)
    follower.context.set_offline(True)
    take(leader, Action.PAY)
    follower.get_by_text("There is no connection").wait_for()
    assert title(Action.SIGN, "en") in follower.locator("#newest").inner_text()
    follower.context.set_offline(False)
    follower.get_by_role("heading", name=title(Action.PAY, "en")).wait_for()
    follower.get_by_text("There is no connection").wait_for(state="detached")


def test_a_leader_who_lost_the_connection_shows_the_step_when_it_is_back(open_page: Open) -> None:
    leader, follower = open_page(), open_page()
    hurry(leader)
    lead(leader, follower)
    leader.route(
        "**/class/*", lambda route: route.abort()
    )  # the page comes, and what it tells the class does not
    take(leader, Action.PAY)
    leader.get_by_text("There is no connection").wait_for()
    assert title(Action.SIGN, "en") in follower.locator("#newest").inner_text()
    leader.unroute_all()
    follower.get_by_role("heading", name=title(Action.PAY, "en")).wait_for()
    leader.get_by_text("There is no connection").wait_for(state="detached")


def test_who_leaves_a_class_goes_on_from_what_is_shown_now(open_page: Open) -> None:
    leader, follower = open_page(), open_page()
    lead(leader, follower)
    leader.goto(leader.url.replace("seed=7", "seed=8").replace("steps=sign", "steps=sign.pay"))
    follower.get_by_role("heading", name=title(Action.PAY, "en")).wait_for()
    assert "Seed 8" in follower.locator("header").inner_text()
    follower.get_by_role("link", name="Leave it").click()
    follower.wait_for_url("**/?seed=8&lang=en&steps=sign.pay")


def test_a_follower_whom_the_server_has_no_stream_for_follows_all_the_same(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(led, "MAX_LISTENERS", 0)
    leader, follower = open_page(), open_page()
    hurry(follower)
    lead(leader, follower)
    take(leader, Action.PAY)
    follower.get_by_role("heading", name=title(Action.PAY, "en")).wait_for()
    assert follower.locator("#live").inner_text() != "The class is over."


def test_a_leader_without_script_shows_each_step_by_hand(open_page: Open) -> None:
    leader, follower = open_page(script=False), open_page(script=False)
    leader.goto("/?lang=en&steps=sign")
    leader.get_by_role("button", name="Lead a class").click()
    code = leader.locator(".class-code").inner_text()
    follower.goto(f"/class/{code}?lang=en")
    take(leader, Action.PAY)
    leader.get_by_role("button", name="Show this to the class").click()
    leader.wait_for_url("**class=**")
    follower.get_by_role("link", name="Reload").click()
    follower.get_by_role("heading", name=title(Action.PAY, "en")).wait_for()


def test_markup_in_a_name_is_text(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en")
    page.get_by_label("Name of the company").fill(BAD)
    page.keyboard.press("Enter")
    page.wait_for_url("**company=**")
    for action in (Action.SIGN, Action.PAY, Action.CLOSE_DAY, Action.TRACE):
        take(page, action)
        assert page.locator(".holder").first.inner_text() == BAD
        assert page.evaluate("document.querySelectorAll('img[src=x], body script, [onerror]').length") == 0
    assert page.get_by_label("Name of the company").first.input_value() == BAD


def test_a_lost_connection_in_the_middle_of_a_step_loses_nothing(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en&steps=sign.pay")
    page.context.set_offline(True)
    page.locator("#next").click()
    page.get_by_text("There is no connection").wait_for()
    assert title(Action.PAY, "en") in page.locator("#newest").inner_text()
    page.context.set_offline(False)
    page.locator("#live:empty").wait_for(state="attached")
    page.locator("#next").click()
    page.wait_for_url(lambda url: len(url.rpartition("steps=")[2].split(".")) == 3)
    assert len(page.locator(".history li").all()) == 3


def test_without_script_a_lost_connection_is_the_browser_s_own_page_and_reload_goes_on(
    open_page: Open,
) -> None:
    page = open_page(script=False)
    page.goto("/?lang=en&steps=sign")
    page.context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        page.goto("/?lang=en&steps=sign.pay")
    page.context.set_offline(False)
    page.goto("/?lang=en&steps=sign.pay")
    assert title(Action.PAY, "en") in page.locator("#newest").inner_text()


def test_a_shortcut_does_not_take_letters_from_whoever_writes(open_page: Open) -> None:
    page = open_page()
    page.goto("/?lang=en")
    page.get_by_label("Name of the company").fill("")
    page.keyboard.type("nnn")
    assert page.get_by_label("Name of the company").input_value() == "nnn"
    page.keyboard.press("Alt+n")
    page.evaluate("0")  # whatever a key began has begun
    assert "steps" not in page.url


def test_the_address_of_a_state_can_be_copied(open_page: Open, console: str) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/?lang=en&steps=sign")
    page.locator("[data-copy=address]").click()
    page.get_by_text("copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{console}/?seed=7&lang=en&steps=sign"


def test_print_and_dark_schemes_show_the_page(open_page: Open) -> None:
    page = open_page(dark=True)
    page.goto("/?lang=en&steps=sign.pay")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(22, 24, 27)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".actions").is_visible()
    assert page.locator("#newest").is_visible()
