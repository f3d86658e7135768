"""Which records each party sees over HTTP: one table of conditions, from which lists and look-ups follow.

Admin and auditor see every record (the auditor nobody's name); any other party sees those that name it.  Who
asks for a record it may not see learns that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ecny_tax.store.transaction import Transaction
from ecny_tax.web.rights import EVERYBODYS, Party, Role

MAX_PAGE = 200
_OF_TREASURY = (
    "EXISTS (SELECT 1 FROM institution i WHERE i.kind = 'tax_authority' AND i.code = {}.authority"
    " AND i.treasury = :code)"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """Records of one kind: where they are, what numbers them, the order of lists, who sees which."""

    table: str
    number: str
    order: str
    seen_by: Mapping[Role, str]


RESOURCES: dict[str, Resource] = {
    "wallet": Resource(
        "wallet w",
        "w.wallet_id",
        "w.account_id",
        {Role.OPERATOR: "w.operator = :code", Role.TAXPAYER: "w.subject_id = :code"},
    ),
    "agreement": Resource(
        "agreement a JOIN wallet w ON w.wallet_id = a.wallet_id",
        "a.agreement_no",
        "a.place",
        {
            Role.OPERATOR: "w.operator = :code",
            Role.TAX_AUTHORITY: "a.authority = :code",
            Role.TAXPAYER: "(a.subject_id = :code OR w.subject_id = :code)",
        },
    ),
    "bill": Resource(
        "bill b",
        "b.bill_no",
        "b.place",
        {
            Role.TAX_AUTHORITY: "b.authority = :code",
            Role.TREASURY: _OF_TREASURY.format("b"),
            Role.TAXPAYER: "b.subject_id = :code",
        },
    ),
    "payment": Resource(
        "payment p JOIN bill b ON b.bill_no = p.bill_no JOIN wallet w ON w.wallet_id = p.wallet_id",
        "p.payment_no",
        "p.place",
        {
            Role.OPERATOR: "w.operator = :code",
            Role.TAX_AUTHORITY: "b.authority = :code",
            Role.TREASURY: _OF_TREASURY.format("b"),
            Role.TAXPAYER: "(w.subject_id = :code OR b.subject_id = :code)",
        },
    ),
    "refund": Resource(
        "refund r JOIN wallet w ON w.wallet_id = r.wallet_id",
        "r.refund_no",
        "r.place",
        {
            Role.OPERATOR: "w.operator = :code",
            Role.TAX_AUTHORITY: "r.authority = :code",
            Role.TREASURY: _OF_TREASURY.format("r"),
            Role.TAXPAYER: "(r.subject_id = :code OR w.subject_id = :code)",
        },
    ),
    "failure": Resource(
        "ordered_failure f LEFT JOIN wallet w ON w.wallet_id = f.wallet_id",
        "f.failure_no",
        "f.place",
        {Role.OPERATOR: "(f.operator = :code OR w.operator = :code)"},
    ),
    "account": Resource("account a", "a.name", "a.id", {}),
}


def sees(tx: Transaction, party: Party, resource: str, number: str) -> bool:
    """Whether there is a record of that number which the party sees."""
    kind = RESOURCES[resource]
    condition, code = _condition(kind, party)
    row = tx.row(
        f"SELECT 1 FROM {kind.table} WHERE {kind.number} = :number AND {condition}", number=number, **code
    )
    return row is not None


def page(tx: Transaction, party: Party, resource: str, *, after: int, limit: int) -> list[tuple[int, str]]:
    """The place and number of the first ``limit`` records after a place that the party sees."""
    kind = RESOURCES[resource]
    condition, code = _condition(kind, party)
    rows = tx.rows(
        f"SELECT {kind.order}, {kind.number} FROM {kind.table} WHERE {kind.order} > :after AND {condition}"
        f" ORDER BY {kind.order} LIMIT :limit",
        after=after,
        limit=limit,
        **code,
    )
    return [(row[0], row[1]) for row in rows]


def _condition(kind: Resource, party: Party) -> tuple[str, dict[str, str]]:
    if party.role in EVERYBODYS:
        return "1 = 1", {}
    if (condition := kind.seen_by.get(party.role)) is None:
        return "1 = 0", {}
    return condition, {"code": party.code}
