"""The page of the OpenAPI document: whole, closed to the outside, and with samples that can be sent."""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections import Counter
from functools import cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
from jinja2 import Environment, PackageLoader

from ecny_tax.web.reference import page
from tests.web.client import Api
from tests.web.documented import document, operation_of

_OUTSIDE = re.compile(r"//(?!127\.0\.0\.1)\w|@import|url\(")


class _Read(HTMLParser):
    """The ids, links, tags, and samples of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.samples: list[str] = []
        self._in_pre = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes.update(given)
        self.ids.update([given["id"]] if given.get("id") else [])
        self.links += [link for name in ("href", "src") if (link := given.get(name))]
        if tag == "pre":
            self._in_pre = True
            self.samples.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_pre = self._in_pre and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._in_pre:
            self.samples[-1] += data


def _page(shown: Any) -> str:
    return page(Environment(loader=PackageLoader("ecny_tax.web"), autoescape=True, trim_blocks=True), shown)


@cache
def _text() -> str:
    return _page(document())


@cache
def _read() -> _Read:
    return _Read(_text())


def _calls() -> list[str]:
    """The samples of operations, after the two of the beginning."""
    return _read().samples[2:]


def test_it_is_served_and_asks_nothing_of_anybody_outside(address: str) -> None:
    nobody = Api(address, None)
    shown, style = nobody.get("/docs"), nobody.get("/docs.css")
    assert shown.status == style.status == 200
    assert shown.content.decode() == _text()
    assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    for content in (shown.content, style.content):
        assert not _OUTSIDE.search(content.decode())
    assert all(link.startswith("#") or link in ("/docs.css", "/openapi.json") for link in _read().links)
    assert not _read().tags & {"script", "iframe", "img", "form", "object"}
    assert not [name for name in _read().attributes if name.startswith("on") or name == "style"]


def test_every_operation_is_there_once() -> None:
    for methods in document()["paths"].values():
        for said in methods.values():
            assert _read().ids[said["operationId"]] == 1
    assert max(_read().ids.values()) == 1
    heads = re.findall(r"<summary><b class=\"\w+\">(\w+)</b> <code>(.*?)</code>", _text())
    wanted = [(method.upper(), path) for path, methods in document()["paths"].items() for method in methods]
    assert sorted(heads) == sorted(wanted)


def test_whatever_is_named_has_its_anchor() -> None:
    targets = {link.removeprefix("#") for link in _read().links if link.startswith("#")}
    assert targets <= _read().ids.keys()
    for name in (
        "AnnualReturnBody",
        "AgentStatement",
        "StatementLine",
        "PaymentSeen",
        "RefundEvent",
        "Problem",
    ):
        assert f"form-{name}" in targets
    anchored = {one.removeprefix("form-") for one in _read().ids if one.startswith("form-")}
    assert all(document()["components"]["schemas"][name]["properties"] for name in anchored)
    types = " ".join(re.findall(r'<td class="type">(.*?)</td>', _text()))
    bare = set(re.findall(r"\w+", re.sub(r"<a .*?</a>", "", types)))
    assert not bare & anchored


def test_no_caption_is_empty_and_every_status_is_explained() -> None:
    captions = re.findall(r"<caption>(.*?)</caption>", _text())
    assert all(re.search(r"\w", one) and not re.search(r"\s:|:\s*$", one) for one in captions)
    used = {
        code
        for methods in document()["paths"].values()
        for one in methods.values()
        for code in one["responses"]
    }
    assert {f"status-{code}" for code in used if code >= "400"} <= _read().ids.keys()
    for shown in re.findall(r"<p>Refusals:(.*?)</p>", _text(), re.DOTALL):
        codes = re.findall(r'href="#status-(\d+)"', shown)
        assert codes == sorted(codes) != []


def test_two_bodies_stand_with_an_or() -> None:
    pay = _text().partition('id="payments_pay"')[2].partition("</details>")[0]
    assert re.search(r'Body PayBill.*<p class="or">or</p>.*Body DeclareAndPay', pay, re.DOTALL)
    assert pay.count('class="sample"') == 2


def test_backticks_are_code() -> None:
    assert "<code>next_cursor</code> of the page before" in _text()
    assert "`" not in unescape(re.sub(r"<pre.*?</pre>", "", _text(), flags=re.DOTALL))


def test_amounts_are_said_to_be_in_the_unit_that_they_are_in() -> None:
    assert not re.search(r"\bfen\b", json.dumps(document()))


def test_samples_are_whole() -> None:
    count = sum(len(methods) for methods in document()["paths"].values())
    assert len(_calls()) >= count
    for sample in _read().samples:
        assert "…" not in sample
        assert "'{}'" not in sample
    for sample in _calls():
        is_open = "/healthz" in sample or "/readyz" in sample
        assert ("Authorization" in sample) != is_open


def test_samples_can_be_sent(admin: Api) -> None:
    """Their bodies are as the document says, and none is malformed; their records are not there."""
    for sample in _calls():
        method, path, headers, body = _parsed(sample)
        if path in ("/v1/reset", "/v1/scenarios/NAME"):
            continue
        said = operation_of(method, path)
        assert said is not None, sample
        if body is not None:
            schema = said["requestBody"]["content"]["application/json"]["schema"]
            whole = {**schema, "components": document()["components"]}
            jsonschema_rs.validator_for(whole).validate(body)
        answer = admin.ask(method, path, body, headers)
        assert answer.status != 400 or answer.code in _OF_A_FILE, (sample, answer.content.decode())
        assert answer.status in {int(code) for code in said["responses"]}, sample


#: What a file of the reader's own is refused with, when it is the words that stand for it.
_OF_A_FILE = {"batch_file_malformed"}
#: What the reader sets; anything else is a number that is not there.
_VARIABLES = {"WALLET_ID": "0021234567890124", "NUMBER": "0" * 32}


def _parsed(sample: str) -> tuple[str, str, dict[str, str], Any]:
    words = shlex.split(sample.replace("\\\n", " "))
    assert words[0] == "curl"
    address = re.sub(
        r"\$\{(\w+)\}", lambda name: _VARIABLES.get(name[1], name[1]), words[1].removeprefix("$ECNY_TAX")
    )
    given = dict(zip(words[2::2], words[3::2], strict=True))
    headers = [
        value.partition(": ") for flag, value in zip(words[2::2], words[3::2], strict=True) if flag == "-H"
    ]
    sent = {name: value for name, _, value in headers if name != "Authorization"}
    return given.get("-X", "GET"), address, sent, json.loads(given["-d"]) if "-d" in given else None


def test_markup_in_the_document_is_shown_as_text() -> None:
    bad = "<script>alert('`x`')</script> `<b>`"
    shown = copy.deepcopy(document())
    amount = shown["components"]["schemas"]["Amount"]
    amount["description"] = bad
    amount["properties"]["amount"] = {"type": "string", "description": bad, "examples": [bad], "default": bad}
    amount["properties"]["<i>"] = {"enum": ["<u>", "a"]}
    shown["paths"]["/v1/wallets"]["post"]["summary"] = bad
    text = _page(shown)
    for tag in ("<script", "<i>`", "<u>"):
        assert tag not in text
    assert (
        text.count("&lt;script&gt;alert(&#39;<code>x</code>&#39;)&lt;/script&gt; <code>&lt;b&gt;</code>") >= 3
    )
    assert "<code>&lt;i&gt;</code>" in text
