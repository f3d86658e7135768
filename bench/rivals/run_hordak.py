"""django-hordak: an account has no counters, its balance is the sum of its legs."""

from __future__ import annotations

import sys
from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings
from jobs import FUNDS, Moves, serve

_url = urlsplit(sys.argv[1])
_query = parse_qs(_url.query)
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path.removeprefix("/"),
            "USER": unquote((_url.netloc or "@").partition("@")[0]),
            "HOST": _query["host"][0],
            "PORT": _query["port"][0],
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "djmoney", "hordak"],
    DEFAULT_CURRENCY="CNY",
    CURRENCIES=("CNY",),
    HORDAK_INTERNAL_CURRENCY="CNY",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402 - after its settings
from django.db import transaction  # noqa: E402
from hordak.models import Account, AccountType, Leg, Transaction  # noqa: E402
from moneyed import Money  # noqa: E402


class Hordak:
    """Wallets are liabilities: what is credited makes them more."""

    def open(self, accounts: int) -> None:
        call_command("migrate", verbosity=0)
        vault = Account.objects.create(name="vault", code="0", type=AccountType.asset, currencies=["CNY"])
        self._accounts = [
            Account.objects.create(name=f"wallet {n}", code=str(n + 1), type=AccountType.liability,
                                   currencies=["CNY"])
            for n in range(accounts)
        ]  # fmt: skip
        for account in self._accounts:
            account.transfer_to(vault, _money(FUNDS))

    def single(self, payer: int, payee: int, fen: int) -> None:
        """Its own shortcut: the account that it is called on is credited."""
        self._accounts[payee].transfer_to(self._accounts[payer], _money(fen))

    def batch(self, moves: Moves) -> None:
        with transaction.atomic():
            made = Transaction.objects.bulk_create([Transaction() for _ in moves])
            legs = []
            for one, (payer, payee, fen) in zip(made, moves, strict=True):
                money = _money(fen)
                legs.append(Leg(transaction=one, account=self._accounts[payee], credit=money))
                legs.append(Leg(transaction=one, account=self._accounts[payer], debit=money))
            Leg.objects.bulk_create(legs)

    def balances(self) -> list[int]:
        return [int(account.get_simple_balance()["CNY"].amount * 100) for account in self._accounts]


def _money(fen: int) -> Money:
    return Money(Decimal(fen).scaleb(-2), "CNY")


serve(Hordak())
