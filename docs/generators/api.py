"""docs/api.md: what a user may import, the services of a sandbox and their methods, and what these answer."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

from generators import tables

import ecny_tax
from ecny_tax import Sandbox, errors

#: The services in the order in which a reader meets them, every one that a sandbox has: the commands that
#: show it, and what it is in Chinese.
SERVICES = {
    "wallets": ("`wallet`, `interest`", "钱包"),
    "agreements": ("`agreement`", "三方协议"),
    "taxes": ("`tax`, `bill`", "税额试算、申报、应征凭证、扣缴记录与算例"),
    "payments": ("`pay`, `payments`, `batch`, `receipt`", "缴款、批量扣税与电子缴款凭证"),
    "refunds": ("`refund`, `refunds`", "退税"),
    "offline": ("`device`, `voucher`, `evidence`, `terminal`, `trust`", "离线支付"),
    "treasury": ("`treasury`", "国库日终报解与报表"),
    "reconciliation": ("`reconcile`, `failure`", "对账与故障"),
    "oversight": (
        "`trace`, `instrument`, `access`, `wallet stop` … `wallet identify`",
        "法律文书、溯源、停付与冻结、查阅日志",
    ),
    "parties": ("`parties`", "各方"),
    "ledger": ("`ledger`, `status`", "账本"),
    "clock": ("`clock`", "时钟"),
}
#: What is neither class nor function has its words here.
_NAMED = {
    "BEIJING": "The zone of all times, UTC+8.",
    "Fen": "An amount of money in whole fen (分): `int` at run time, a type of its own to a type checker.",
}
#: What belongs to a service and stands in an object of another name.
_CLASSES = {"clock": "ecny_tax.store.simulated_clock.SimulatedClock"}
#: Signatures up to this length stand in one line.
_WIDTH = 100
#: Faces and helpers of the package, whose records no service answers with.
_NOT_OF_SERVICES = ("ecny_tax.__main__", "ecny_tax.cli", "ecny_tax.web", "ecny_tax.testing")

_HEAD = """\
# Python API

Every name that `ecny_tax` offers, every public method of a sandbox's services, and the records that they
answer with, taken from the code. Amounts are `Fen` (whole fen, an `int`) unless a name says otherwise; times
have a zone; methods take keyword arguments. A refusal is an `EcnyTaxError` with a `code`, and
[errors.md](errors.md) says of every code what it means and what to do. A method names the refusals that are
its own; any may raise `…_not_found` for a record that is not there, `InvalidInputError` for a value of the
wrong form, and `UnavailableError` where the database is not at hand. The [words](words.md) are the same
everywhere.

```python
from ecny_tax import Sandbox, yuan

with Sandbox.open(seed=7) as s:
    wallet = s.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=yuan("100"))
    print(wallet.balance, s.wallets.show(wallet_id=wallet.wallet_id).status)
```

```text
10000 active
```
"""


def page() -> str:
    """The page, from the code as it is imported."""
    parts = [_HEAD, _contents(), "## What is imported from `ecny_tax`\n"]
    answered = _Answered()
    for name in ecny_tax.__all__:
        parts.append(_public(name, getattr(ecny_tax, name), answered))
    for name in SERVICES:
        kind = _service(name)
        parts.append(f"## `s.{name}`\n\n{_prose(inspect.getdoc(getattr(Sandbox, name, kind)) or '')}\n")
        parts += [_method(f"s.{name}.", found, answered) for found in _methods(kind)]
    parts.append(
        "## Records\n\nWhat the methods take and answer with: frozen objects, named as in JSON documents.\n"
    )
    parts += [_record(kind) for kind in answered.all()]
    return "\n".join(parts)


def _contents() -> str:
    rows = ["| in Python | on the command line | 中文 |", "|---|---|---|"]
    rows += [f"| [`s.{name}`](#s{name}) | {commands} | {zh} |" for name, (commands, zh) in SERVICES.items()]
    return "## Services\n\n" + "\n".join(rows) + "\n\nThen the [records](#records) that they answer with.\n"


def _service(name: str) -> type:
    if name in _CLASSES:
        module, _, kind = _CLASSES[name].rpartition(".")
        return getattr(importlib.import_module(module), kind)  # type: ignore[no-any-return]
    with Sandbox.open(seed=1) as s:
        return type(getattr(s, name))


def _public(name: str, value: Any, answered: _Answered) -> str:
    if inspect.isclass(value) and issubclass(value, BaseException):
        return f"### `{name}`\n\n{_prose(inspect.getdoc(value) or '')}\n"
    if inspect.isclass(value):
        members = [] if dataclasses.is_dataclass(value) else _methods(value)
        shown = "".join(_method(f"{name}.", found, answered) + "\n" for found in members)
        about = _prose(inspect.getdoc(value) or "")
        return f"### `{name}`\n\n{about}\n\n{_fields(value)}{shown}".rstrip() + "\n"
    if inspect.isfunction(value):
        return _method("", value, answered)
    return f"### `{name}`\n\n{_NAMED[name]}\n"


def _methods(kind: type) -> list[Callable[..., Any]]:
    """The public methods of a class and its bases within the package, in the order of their writing."""
    found: dict[str, Callable[..., Any]] = {}
    for base in reversed([one for one in kind.__mro__ if one.__module__.startswith("ecny_tax")]):
        for name, member in vars(base).items():
            plain = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
            if not name.startswith("_") and inspect.isfunction(plain):
                found[name] = plain
    return list(found.values())


def _method(prefix: str, function: Callable[..., Any], answered: _Answered) -> str:
    signature = inspect.signature(function)
    answered.note(function, signature)
    heading = f"### `{prefix}{function.__name__}`"
    about = _prose(inspect.getdoc(function) or "")
    return f"{heading}\n\n```text\n{_written(prefix, function, signature)}\n```\n\n{about}\n"


def _written(prefix: str, function: Callable[..., Any], signature: inspect.Signature) -> str:
    words, last = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and last is not parameter.kind:
            words.append("*")
        last = parameter.kind
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        words.append(f"{parameter.name}: {parameter.annotation}{default}")
    answer = f" -> {signature.return_annotation}"
    name = f"{prefix}{function.__name__}"
    if len(line := f"{name}({', '.join(words)}){answer}") <= _WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){answer}"


def _default(value: object) -> str:
    """A default as it is written; a function has no text of its own that is the same in every run."""
    return getattr(value, "__name__", "…").replace("<lambda>", "…") if callable(value) else repr(value)


def _prose(text: str) -> str:
    """A docstring as Markdown, where the code of a refusal leads to what it means."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    known = errors.catalogue()
    return re.sub(
        r"`(\w+)`", lambda code: f"[{code[0]}](errors.md#{code[1]})" if code[1] in known else code[0], text
    )


class _Answered:
    """The records that signatures name, and those that these hold."""

    def __init__(self) -> None:
        self._kinds: dict[str, type] = {}

    def note(self, function: Callable[..., Any], signature: inspect.Signature) -> None:
        said = [one.annotation for one in signature.parameters.values()] + [signature.return_annotation]
        for annotation in said:
            self._take(str(annotation), sys.modules[function.__module__])

    def _take(self, annotation: str, module: ModuleType) -> None:
        for name in re.findall(r"[A-Z]\w+", annotation):
            kind = getattr(module, name, None) or _by_name().get(name)
            if name in self._kinds or not _is_record(kind) or name in ecny_tax.__all__:
                continue
            self._kinds[name] = kind
            for field in dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ():
                self._take(str(field.type), sys.modules[kind.__module__])

    def all(self) -> list[type]:
        return [self._kinds[name] for name in sorted(self._kinds)]


def _is_record(kind: Any) -> bool:
    ours = inspect.isclass(kind) and kind.__module__.startswith("ecny_tax.")
    return ours and (dataclasses.is_dataclass(kind) or issubclass(kind, enum.Enum))


@cache
def _by_name() -> dict[str, type]:
    """Every class of the package, for annotations whose names are imported for type checkers alone."""
    found: dict[str, type] = {}
    for module in _modules():
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and kind.__module__ == module.__name__:
                found.setdefault(name, kind)
    return found


def _modules() -> Iterator[ModuleType]:
    for one in pkgutil.walk_packages(ecny_tax.__path__, "ecny_tax.", onerror=lambda _name: None):
        if not one.name.startswith(_NOT_OF_SERVICES):
            yield importlib.import_module(one.name)


def _record(kind: type) -> str:
    if issubclass(kind, enum.Enum):
        values = " · ".join(f"`{one.value}`" for one in kind)
        return f"### `{kind.__name__}`\n\n{_prose(inspect.getdoc(kind) or '')}\n\nOne of {values}.\n"
    return f"### `{kind.__name__}`\n\n{_prose(_about(kind))}\n\n{_fields(kind)}".rstrip() + "\n"


def _about(kind: type) -> str:
    """A docstring; not the signature that a dataclass without one is given."""
    said = inspect.getdoc(kind) or ""
    return "" if said.startswith(f"{kind.__name__}(") else said


def _fields(kind: type) -> str:
    if not dataclasses.is_dataclass(kind):
        return ""
    rows = ["| field | type |", "|---|---|"]
    for field in dataclasses.fields(kind):
        if not field.name.startswith("_"):
            rows.append(tables.row((f"`{field.name}`", f"`{field.type}`")))
    return "\n".join(rows) + "\n\n" if len(rows) > 2 else ""
