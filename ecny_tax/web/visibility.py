"""Which records each party sees over HTTP: one table of conditions, from which lists and look-ups follow.

Admin and auditor see every record (the auditor nobody's name); any other party sees those that name it.  Who
asks for a record it may not see learns that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecny_tax.store.transaction import Transaction
from ecny_tax.web.rights import EVERYBODYS, Party, Role

MAX_PAGE = 200
_OF_TREASURY = (
    "EXISTS (SELECT 1 FROM institution i WHERE i.kind = 'tax_authority' AND i.code = {}.authority"
    " AND i.treasury = :code)"
)
_HELD = {Role.OPERATOR: "w.operator = :code", Role.TAXPAYER: "w.subject_id = :code"}


@dataclass(frozen=True, slots=True)
class Resource:
    """Records of one kind: where they are, what numbers them, the order of lists, who sees which; and by
    which members a list can be narrowed, with their columns."""

    table: str
    number: str
    order: str
    seen_by: Mapping[Role, str]
    narrowed_by: Mapping[str, str] = field(default_factory=dict)


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
        {"wallet_id": "a.wallet_id", "status": "a.status"},
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
        {"status": "b.status"},
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
        {"wallet_id": "p.wallet_id", "bill_no": "p.bill_no", "status": "p.status"},
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
        {"wallet_id": "r.wallet_id", "status": "r.status"},
    ),
    "device": Resource(
        "device d JOIN wallet w ON w.wallet_id = d.wallet_id", "d.device_id", "d.place", _HELD
    ),
    "terminal": Resource(
        "(SELECT c.place, c.subject, i.subject AS authority FROM certificate c"
        " JOIN certificate i ON i.serial = c.issuer WHERE c.kind = 'terminal') t",
        "t.subject",
        "t.place",
        {Role.TAX_AUTHORITY: "t.authority = :code"},
    ),
    "voucher": Resource(
        "voucher v JOIN device_load l ON l.load_id = v.load_id JOIN device d ON d.device_id = l.device_id"
        " JOIN wallet w ON w.wallet_id = d.wallet_id LEFT JOIN bill b ON b.bill_no = v.named_bill",
        "v.voucher_id",
        "v.place",
        {
            **_HELD,
            Role.TAX_AUTHORITY: "b.authority = :code",
            Role.TREASURY: _OF_TREASURY.format("b"),
        },
    ),
    "withholding": Resource(
        "withholding h JOIN identity i ON i.identity_id = h.identity_id",
        "h.withholding_no",
        "h.place",
        {
            Role.TAX_AUTHORITY: "i.custodian = 'tax_authority:' || :code",  # to whom it was declared
            Role.TAXPAYER: "(h.agent_subject = :code OR h.subject_id = :code)",
        },
    ),
    "batch": Resource(
        "batch b",
        "b.batch_no",
        "b.place",
        {Role.TAX_AUTHORITY: "b.authority = :code", Role.TREASURY: _OF_TREASURY.format("b")},
    ),
    # What bears names: that of the taxpayer, whoever paid, so no payer of another's bill sees it.
    "receipt": Resource(
        "payment p JOIN bill b ON b.bill_no = p.bill_no JOIN wallet w ON w.wallet_id = p.wallet_id",
        "p.receipt_no",
        "p.place",
        {
            Role.OPERATOR: "w.operator = :code",
            Role.TAX_AUTHORITY: "b.authority = :code",
            Role.TREASURY: _OF_TREASURY.format("b"),
            Role.TAXPAYER: "b.subject_id = :code",
        },
    ),
    "refund_voucher": Resource(
        "refund r JOIN wallet w ON w.wallet_id = r.wallet_id LEFT JOIN payment p"
        " ON p.payment_no = r.payment_no LEFT JOIN bill b ON b.bill_no = p.bill_no",
        "r.refund_no",
        "r.place",
        {
            Role.OPERATOR: "w.operator = :code",
            Role.TAX_AUTHORITY: "r.authority = :code",
            Role.TREASURY: _OF_TREASURY.format("r"),
            Role.TAXPAYER: "coalesce(b.subject_id, r.subject_id) = :code",
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


def page(
    tx: Transaction, party: Party, resource: str, *, after: int, limit: int, only: Mapping[str, str | None]
) -> list[tuple[int, str]]:
    """The place and number of the first ``limit`` records after a place that the party sees.

    ``only``: of those, where a member is what is said of it.
    """
    kind = RESOURCES[resource]
    condition, code = _condition(kind, party)
    for name, value in only.items():
        if value is not None:
            condition += f" AND {kind.narrowed_by[name]} = :{name}"
            code[name] = value
    rows = tx.rows(
        f"SELECT {kind.order}, {kind.number} FROM {kind.table} WHERE {kind.order} > :after AND {condition}"
        f" ORDER BY {kind.order} LIMIT :limit",
        after=after,
        limit=limit,
        **code,
    )
    return [(row[0], row[1]) for row in rows]


def known_wallets(tx: Transaction, party: Party) -> frozenset[str]:
    """The ids of the wallets that the party sees, itself or in an agreement."""
    found: set[str] = set()
    for name in ("wallet", "agreement"):
        condition, code = _condition(RESOURCES[name], party)
        rows = tx.rows(f"SELECT w.wallet_id FROM {RESOURCES[name].table} WHERE {condition}", **code)
        found.update(row[0] for row in rows)
    return frozenset(found)


def _condition(kind: Resource, party: Party) -> tuple[str, dict[str, str]]:
    if party.role in EVERYBODYS:
        return "1 = 1", {}
    if (condition := kind.seen_by.get(party.role)) is None:
        return "1 = 0", {}
    return condition, {"code": party.code}
