"""The operator's checks as a pure function: the order in which they refuse."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ecny_tax import Fen
from ecny_tax.agreements.model import Agreement, AgreementStatus, Verification, refusal_code
from ecny_tax.parties.model import Identity, IdentityKind
from ecny_tax.wallets.model import Wallet, WalletKind, WalletStatus
from tests.support import AUTHORITY, START, company_id, company_name, person_id, person_name

WALLET = Wallet(
    wallet_id="0021000000000005",
    kind=WalletKind.CORPORATE,
    wallet_class=None,
    operator="ICBC",
    balance=Fen(0),
    status=WalletStatus.ACTIVE,
    opened_at=START,
    closed_at=None,
    identity_id="I1",
    subject_id="S1",
    account_id=1,
)
HOLDER = Identity("I1", "S1", IdentityKind.COMPANY, "虚构A公司", company_id())
AGREEMENT = Agreement(
    agreement_no="A1",
    wallet_id=WALLET.wallet_id,
    operator="ICBC",
    authority=AUTHORITY,
    status=AgreementStatus.ONLINE_UNVERIFIED,
    code=None,
    batch_debit=False,
    signed_at=START,
    verified_at=None,
    ended_at=None,
    identity_id="I1",
    subject_id="S1",
    signatures=b"",
    answer=None,
)
ASKED = Verification("A1", AUTHORITY, "ICBC", WALLET.wallet_id, "虚构A公司", company_id())

#: In order: the code, and what must differ for it.
CHECKS: list[tuple[str, str, dict[str, Any]]] = [
    ("agreement_terminated", "agreement", {"status": AgreementStatus.TERMINATED}),
    ("agreement_locked", "agreement", {"status": AgreementStatus.LOCKED}),
    ("agreement_state_not_normal", "agreement", {"status": AgreementStatus.VERIFICATION_FAILED}),
    ("agreement_authority_mismatch", "asked", {"authority": "14400000001"}),
    ("agreement_operator_mismatch", "asked", {"operator": "BOC"}),
    ("agreement_wallet_mismatch", "asked", {"wallet_id": "0023000000000003"}),
    ("agreement_number_mismatch", "asked", {"agreement_no": "A2"}),
    ("agreement_name_mismatch", "asked", {"taxpayer_name": "虚构B公司"}),
    ("agreement_taxpayer_id_mismatch", "asked", {"taxpayer_id": company_id(2)}),
]


def code_of(*changes: tuple[str, dict[str, Any]]) -> str | None:
    """The code when these things differ; of two states the first wins, since an agreement has only one."""
    agreement, asked = AGREEMENT, ASKED
    for what, change in reversed(changes):
        if what == "agreement":
            agreement = replace(agreement, **change)
        else:
            asked = replace(asked, **change)
    return refusal_code(agreement, WALLET, HOLDER, asked)


def test_what_agrees_in_everything_is_verified() -> None:
    assert code_of() is None
    for status in (AgreementStatus.PAPER_UNVERIFIED, AgreementStatus.VERIFIED):
        assert code_of(("agreement", {"status": status})) is None


@pytest.mark.parametrize(("code", "what", "change"), CHECKS)
def test_each_difference_has_its_own_code(code: str, what: str, change: dict[str, Any]) -> None:
    assert code_of((what, change)) == code


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(CHECKS)), ids=lambda check: check[0])
def test_of_two_neighbouring_differences_the_earlier_is_named(earlier: Any, later: Any) -> None:
    assert code_of(earlier[1:], later[1:]) == earlier[0]


def test_every_later_difference_is_hidden_by_an_earlier_one() -> None:
    for place, (code, *_change) in enumerate(CHECKS):
        assert code_of(*(check[1:] for check in CHECKS[place:])) == code


def test_an_unknown_agreement_comes_before_everything() -> None:
    asked = Verification("", "", "", "", "", "")
    assert refusal_code(None, WALLET, HOLDER, asked) == "agreement_not_found"


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ("虚构Ａ公司", None),
        (" 虚构A公司　", None),
        ("虚构a公司", "agreement_name_mismatch"),
        ("虚构A 公司", "agreement_name_mismatch"),
        ("虚构A公司。", "agreement_name_mismatch"),
        ("", "agreement_name_mismatch"),
    ],
)
def test_names_are_compared_after_full_width_characters_are_folded(entered: str, code: str | None) -> None:
    assert code_of(("asked", {"taxpayer_name": entered})) == code


def test_every_full_width_character_is_its_half_width_twin() -> None:
    for half in map(chr, range(0x21, 0x7F)):
        holder = replace(HOLDER, name=f"虚{half}构")
        asked = replace(ASKED, taxpayer_name=f"虚{chr(ord(half) + 0xFEE0)}构")
        assert refusal_code(AGREEMENT, WALLET, holder, asked) is None
    spaced = replace(ASKED, taxpayer_name="虚　构")
    assert refusal_code(AGREEMENT, WALLET, replace(HOLDER, name="虚 构"), spaced) is None


def test_on_a_personal_wallet_a_sole_traders_code_stands_for_the_person() -> None:
    wallet = replace(WALLET, kind=WalletKind.PERSONAL, wallet_class="II")
    holder = Identity("I1", "S1", IdentityKind.PERSON, person_name(), person_id())
    trader = replace(ASKED, taxpayer_name=person_name(), taxpayer_id=company_id(start="92440784"))
    assert refusal_code(AGREEMENT, wallet, holder, trader) is None
    other = replace(trader, taxpayer_name=company_name())
    assert refusal_code(AGREEMENT, wallet, holder, other) == "agreement_name_mismatch"
    company = replace(trader, taxpayer_id=company_id())
    assert refusal_code(AGREEMENT, wallet, holder, company) == "agreement_taxpayer_id_mismatch"
    corporate = replace(trader, taxpayer_name=HOLDER.name or "")
    assert refusal_code(AGREEMENT, WALLET, HOLDER, corporate) == "agreement_taxpayer_id_mismatch"
