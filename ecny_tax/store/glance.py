"""Numbers of records for a shell to complete: the newest that begin so, by a look that changes nothing."""

from __future__ import annotations

import os.path
import sqlite3

from ecny_tax.store import sqlite
from ecny_tax.store.opening import is_url

#: More than anybody looks through.
MOST = 50

#: Kind of record → its numbers, newest first, each with a word on it.
_QUERIES = {
    "wallet": "SELECT wallet_id, kind || ' ' || operator FROM wallet"
    " WHERE closed_at IS NULL AND wallet_id LIKE :begun ORDER BY account_id DESC LIMIT :most",
    "agreement": "SELECT agreement_no, status FROM agreement"
    " WHERE agreement_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "bill": "SELECT bill_no, status FROM bill WHERE bill_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "open_bill": "SELECT bill_no, status FROM bill"
    " WHERE bill_no LIKE :begun AND status = 'open' ORDER BY place DESC LIMIT :most",
    "payment": "SELECT payment_no, status FROM payment"
    " WHERE payment_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "receipt": "SELECT receipt_no, payment_no FROM payment"
    " WHERE receipt_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "refund": "SELECT refund_no, status FROM refund"
    " WHERE refund_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "batch": "SELECT batch_no, kind FROM batch WHERE batch_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "failure": "SELECT failure_no, kind FROM ordered_failure"
    " WHERE failure_no LIKE :begun ORDER BY place DESC LIMIT :most",
    "load": "SELECT load_id, device_id FROM device_load"
    " WHERE released_at IS NULL AND load_id LIKE :begun ORDER BY loaded_at DESC LIMIT :most",
    "disputed": "SELECT voucher_id, status FROM voucher"
    " WHERE evidence IS NOT NULL AND voucher_id LIKE :begun ORDER BY place DESC LIMIT :most",
    "key": "SELECT key_id, party FROM api_key"
    " WHERE revoked_at IS NULL AND key_id LIKE :begun ORDER BY created_at DESC LIMIT :most",
    "tax_authority": "SELECT code, name_zh FROM institution"
    " WHERE kind = 'tax_authority' AND code LIKE :begun ORDER BY code LIMIT :most",
    "treasury": "SELECT code, name_zh FROM institution"
    " WHERE kind = 'treasury' AND code LIKE :begun ORDER BY code LIMIT :most",
}


def glance(database: str, kind: str, begun: str) -> list[tuple[str, str]]:
    """Numbers that begin so, each with a word on it; nothing where there is no such database.

    It waits for nobody and makes nothing; whoever holds the database keeps it. A database on a server is not
    asked: that may take its time, and a pipe or a terminal may never answer.
    """
    if is_url(database) or not os.path.isfile(database):
        return []
    try:
        connection = sqlite.look(database)
    except (sqlite3.Error, ValueError, OSError):
        return []
    try:
        wanted = {"begun": f"{begun}%", "most": MOST}
        return [(str(number), str(word)) for number, word in connection.execute(_QUERIES[kind], wanted)]
    except sqlite3.Error:
        return []
    finally:
        connection.close()
