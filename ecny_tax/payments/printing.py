"""Papers as text and as HTML.

The HTML is one file that needs nothing else: no script, no font and no picture from elsewhere.  What users
typed is shown as text: control characters are spelled out, markup is escaped.  The same paper is the same
page to the byte, so that a page with a signed receipt can be checked by printing it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import combining, east_asian_width

from ecny_tax.errors import Language
from ecny_tax.payments.paper import (
    IN_THE_CODE,
    NO_CODE,
    SIGNED,
    SIMULATED,
    STEP_COLUMNS,
    STEPS,
    Both,
    Paper,
    Text,
    all_said,
    code_of,
    joined,
    said,
)

# --- text -----------------------------------------------------------------------------------------------

_WIDTH = 78


def as_text(paper: Paper, language: Language) -> str:
    """The paper for a terminal of 80 columns; an East Asian character takes two of them."""
    fields = [(said(label, language), all_said(parts, language)) for label, parts in paper.fields]
    margin = max(_cells(label) for label, _ in fields) + 2
    text = [said(paper.title, language), "=" * _WIDTH]
    if paper.notice:
        text += [f"*** {said(paper.notice, language)} ***", "-" * _WIDTH]
    for label, parts in fields:
        first, *more = _flow(parts, " " if language == "en" else "", _WIDTH - margin)
        text.append(f"{_padded(label, margin)}{first}".rstrip())
        text += [" " * margin + line for line in more]
    text += ["-" * _WIDTH, *_entry(paper.columns, language), "-" * _WIDTH]
    for line in paper.lines:
        text += _entry(line, language)
    if paper.steps:
        text += ["-" * _WIDTH, *_entry((STEPS, *STEP_COLUMNS[1:]), language), "-" * _WIDTH]
        for line in paper.steps:
            text += _entry(line, language)
    return "\n".join([*text, "=" * _WIDTH, said(SIMULATED, language)])


def _entry(cells: Iterable[Text], language: Language) -> list[str]:
    """One line of the table: the first column and the amount, and below what is between them."""
    first, *between, amount = all_said(cells, language)
    head = _padded(first, _WIDTH - _cells(amount)) + amount
    return [head, *(f"  {line}" for line in _flow(between, " · ", _WIDTH - 2) if line)]


def _flow(parts: Iterable[str], joint: str, width: int) -> list[str]:
    """The parts joined on as few lines as hold them; none of them is ever broken."""
    lines = [""]
    for part in filter(None, parts):
        joined = f"{lines[-1]}{joint}{part}" if lines[-1] else part
        if lines[-1] and _cells(joined) > width:
            lines.append(part)
        else:
            lines[-1] = joined
    return lines


def _padded(text: str, width: int) -> str:
    return text + " " * max(1, width - _cells(text))


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


# --- HTML -----------------------------------------------------------------------------------------------

_STYLE = """\
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: #eceff1; color: #111;
  font: 1rem/1.5 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 1.5rem; background: #fff; border: 1px solid #90a4ae; }
h1 { margin: 0 0 1rem; padding-bottom: .5rem; border-bottom: 3px double #b71c1c; color: #b71c1c;
  font-size: 1.5rem; text-align: center; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.125rem; }
.notice { margin: 0 0 1rem; padding: .5rem; border: 2px solid #b71c1c; color: #b71c1c; font-weight: bold;
  text-align: center; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0 0 1.5rem; }
dt { color: #455a64; }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { padding: .375rem .5rem; border: 1px solid #90a4ae; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
thead th { background: #eceff1; }
th:last-child, td:last-child { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
figure { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: 0;
  break-inside: avoid; }
figure div { flex: none; width: 90mm; max-width: 100%; }
figure svg { display: block; width: 100%; background: #fff; shape-rendering: crispEdges; }
figcaption { flex: 1 1 12rem; color: #455a64; font-size: .875rem; }
pre { margin: .5rem 0 0; max-height: 6rem; overflow: auto; color: #455a64; font-size: .6875rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 1.5rem; color: #455a64; font-size: .8125rem; }
@media screen and (max-width: 40rem) {
  body { padding: 0; }
  main { padding: 1rem; border: 0; }
  dl { display: block; }
  dd { margin-bottom: .5rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; margin-bottom: .75rem; border: 1px solid #90a4ae; }
  tbody td { display: flex; justify-content: space-between; gap: 1rem; border: 0; text-align: right; }
  tbody td:empty { display: none; }
  td::before { content: attr(data-label); color: #455a64; text-align: left; white-space: nowrap; }
}
@page { size: A4; margin: 18mm; }
@media print {
  body { padding: 0; background: none; font-size: 10.5pt; }
  main { max-width: none; padding: 0; border: 0; }
  h1 { margin-bottom: .5rem; font-size: 1.25rem; }
  h2 { margin: .75rem 0 .25rem; break-after: avoid; }
  dl { gap: 0 1rem; margin-bottom: .75rem; }
  th, td { padding: .1875rem .5rem; }
  tr, figure { break-inside: avoid; }
  figure div { width: 75mm; }
  pre { display: none; }
  footer { margin-top: .5rem; }
}
"""


def as_html(paper: Paper, language: Language) -> str:
    """The paper as one HTML file, for a screen, a phone, and A4."""
    title = _escaped(paper.title, language)
    notice = f'<p class="notice" role="note">{_escaped(paper.notice, language)}</p>' if paper.notice else ""
    return f"""\
<!DOCTYPE html>
<html lang="{"zh-CN" if language == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{notice}
<dl>
{_html_fields(paper, language)}
</dl>
{_html_table(paper.columns, paper.lines, language)}{_html_more(paper, language)}
<footer>{_escaped(SIMULATED, language)}</footer>
</main>
</body>
</html>"""


def _html_fields(paper: Paper, language: Language) -> str:
    return "\n".join(
        f"<dt>{_escaped(label, language)}</dt><dd>{escape(joined(parts, language))}</dd>"
        for label, parts in paper.fields
    )


def _html_more(paper: Paper, language: Language) -> str:
    steps = ""
    if paper.steps:
        table = _html_table(STEP_COLUMNS, paper.steps, language)
        steps = f"\n<h2>{_escaped(STEPS, language)}</h2>\n{table}"
    return steps + _html_signed(paper, language)


def _html_signed(paper: Paper, language: Language) -> str:
    """The signed receipt as a picture, where one code holds it, and as text, by which the page is checked."""
    if not paper.signed:
        return ""
    code = code_of(paper)
    caption = f"<figcaption>{_escaped(NO_CODE if code is None else IN_THE_CODE, language)}</figcaption>"
    if code is not None:
        picture = code.svg_inline(omitsize=True, border=4, svgclass=None, lineclass=None)
        caption = f'<div role="img" aria-label="{_escaped(IN_THE_CODE, language)}">{picture}</div>\n{caption}'
    return f"""
<h2>{_escaped(SIGNED, language)}</h2>
<figure>
{caption}
</figure>
<pre id="signed">{escape(paper.signed)}</pre>"""


def _html_table(columns: Sequence[Both], lines: Sequence[Sequence[Text]], language: Language) -> str:
    labels = [_escaped(label, language) for label in columns]
    head = "".join(f'<th scope="col">{label}</th>' for label in labels)
    body = "\n".join(
        f"<tr>{''.join(_html_cell(*cell, language) for cell in zip(labels, line, strict=True))}</tr>"
        for line in lines
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _html_cell(label: str, cell: Text, language: Language) -> str:
    return f'<td data-label="{label}">{_escaped(cell, language)}</td>'


def _escaped(text: Text, language: Language) -> str:
    return escape(said(text, language))
