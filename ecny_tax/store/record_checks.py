"""The promises that the records prove together with the journal: for each a query that finds what breaks it.

What a query returns names the first record that is wrong.
"""

from __future__ import annotations

from ecny_tax.ledger.chart import STRIPES
from ecny_tax.ledger.model import AccountCode, AccountFlags, TransferCode

_IMPORTED = "(SELECT coalesce(max(CAST(value AS BIGINT)), 0) FROM meta WHERE name = 'imported_{what}')"
#: The last account and transfer that an import restored: the records they belong to stayed behind.
LAST_ACCOUNT, LAST_TRANSFER = _IMPORTED.format(what="accounts"), _IMPORTED.format(what="transfers")
_BEIJING_DAY = "date(t.posted_at / 1000000 + 28800, 'unixepoch')"
#: The entries of the access log by which a stop is laid or lifted, and the end of a wallet's as they tell it.
_OF_STOPS = "b.action IN ('stop', 'resume') AND b.outcome = 'done'"
_STOPPED_UNTIL = "strftime('%Y-%m-%dT%H:%M:%S', w.stopped_until / 1000000 + 28800, 'unixepoch') || '+08:00'"
#: What was paid and not reversed: p, its bill b, the wallet w that paid, the authority i it was paid to.
_COLLECTED = (
    "FROM payment p JOIN bill b ON b.bill_no = p.bill_no JOIN wallet w ON w.wallet_id = p.wallet_id"
    " JOIN institution i ON i.kind = 'tax_authority' AND i.code = b.authority WHERE p.status = 'settled'"
)
#: The name of the account on which that was collected.
_COLLECTION = f"'collection:' || w.operator || ':' || i.treasury || ':' || (w.account_id % {STRIPES})"
_COLLECTED_DAY = "date(p.settled_at / 1000000 + 28800, 'unixepoch')"

#: Promise, what it says in English and Chinese, and the query that finds what breaks it.
RECORD_CHECKS = (
    (
        "I14",
        "no entry of the access log bears a time before the one of an earlier entry",
        "查阅日志的时间依次不减",
        "SELECT 'access entry ' || a.place FROM access a JOIN access b ON b.place = a.place - 1"
        " WHERE a.at < b.at ORDER BY a.place LIMIT 1",
    ),
    (
        "I14",
        "freezes are laid and lifted as the access log says, and each wallet is frozen while one is in force",
        "冻结与解除均有查阅日志为据，有未解除冻结的钱包均为冻结状态",
        "SELECT w.wallet_id FROM wallet w"
        " WHERE (w.frozen <> 0 OR w.wallet_id IN (SELECT wallet_id FROM wallet_freeze)) AND w.frozen <>"
        " (SELECT count(*) FROM wallet_freeze f WHERE f.wallet_id = w.wallet_id AND f.lifted_at IS NULL)"
        " UNION ALL SELECT wallet_id FROM"
        " (SELECT wallet_id, 'freeze' AS action, issuer, instrument_no, laid_at AS at, 1 AS found"
        " FROM wallet_freeze"
        " UNION ALL SELECT wallet_id, 'unfreeze', issuer, lifted_by, lifted_at, 1 FROM wallet_freeze"
        " WHERE lifted_at IS NOT NULL"
        " UNION ALL SELECT wallet, action, party, instrument_no, at, -1 FROM access"
        " WHERE action IN ('freeze', 'unfreeze') AND outcome = 'done')"
        " GROUP BY wallet_id, action, issuer, instrument_no, at HAVING sum(found) <> 0 LIMIT 1",
    ),
    (
        "I14",
        "every protective stop is the one that the access log says is in force",
        "保护性停付均与查阅日志所载一致",
        "SELECT w.wallet_id FROM wallet w LEFT JOIN access a ON a.place = (SELECT max(b.place) FROM access b"
        f" WHERE b.wallet = w.wallet_id AND {_OF_STOPS})"
        " WHERE (w.stop_reason IS NOT NULL"
        f" OR w.wallet_id IN (SELECT wallet FROM access b WHERE {_OF_STOPS}))"
        f" AND coalesce(w.stop_reason || coalesce(' until ' || {_STOPPED_UNTIL}, ''), '')"
        " <> CASE WHEN a.action = 'stop' THEN a.asked ELSE '' END LIMIT 1",
    ),
    (
        "I6",
        "no fee: every payment moved exactly its amount from its wallet",
        "零手续费：每笔缴款恰好从其钱包转出其金额",
        "SELECT p.payment_no FROM payment p LEFT JOIN transfer t ON t.id = p.transfer_id"
        " JOIN wallet w ON w.wallet_id = p.wallet_id"
        " LEFT JOIN account c ON c.id = t.credit_account_id"
        f" WHERE p.fee <> 0 OR t.amount IS NULL OR t.amount <> p.amount"
        f" OR c.code <> {AccountCode.COLLECTION:d}"
        " OR (p.mode <> 'set_off' AND t.user_data <> p.payment_no)"
        " OR (p.mode NOT IN ('set_off', 'offline') AND t.debit_account_id <> w.account_id)"
        " OR (p.mode = 'offline' AND NOT EXISTS (SELECT 1 FROM voucher v JOIN device_load l"
        " ON l.load_id = v.load_id JOIN device d ON d.device_id = l.device_id WHERE v.payment_no ="
        " p.payment_no AND l.account_id = t.debit_account_id AND d.wallet_id = p.wallet_id))"
        f" OR (p.mode = 'set_off') <> (t.code = {TransferCode.SET_OFF:d}) LIMIT 1",
    ),
    (
        "I6",
        "every tax payment of the journal is one payment's or one doubtful debit's, and every reversal a"
        " reversed one's",
        "流水中每笔缴款对应一笔缴款记录或存疑扣款，每笔冲正对应一笔已冲正的缴款",
        "SELECT coalesce(max(p.payment_no), max(t.user_data)) FROM transfer t"
        " LEFT JOIN payment p ON p.transfer_id = t.id"
        f" WHERE t.code IN ({TransferCode.TAX_PAYMENT:d}, {TransferCode.SET_OFF:d})"
        f" AND t.seq > {LAST_TRANSFER}"
        " GROUP BY t.id HAVING count(p.payment_no) +"
        " (SELECT count(*) FROM debit_record d WHERE d.transfer_id = t.id) <> 1"
        " UNION ALL SELECT p.payment_no FROM payment p LEFT JOIN (SELECT user_data, sum(amount) AS moved"
        f" FROM transfer WHERE code = {TransferCode.REVERSAL:d} AND seq > {LAST_TRANSFER}"
        " GROUP BY user_data) t"
        " ON t.user_data = p.payment_no"
        " WHERE CASE WHEN p.status = 'reversed' THEN p.amount ELSE 0 END <> coalesce(t.moved, 0) LIMIT 1",
    ),
    (
        "I6",
        "a doubtful debit took its amount at most once beside a payment; what came back went to its wallet",
        "存疑扣款在缴款之外至多扣款一次，退回的金额记入原钱包",
        "SELECT d.trace_no FROM debit_record d JOIN wallet w ON w.wallet_id = d.wallet_id"
        " LEFT JOIN transfer t ON t.id = d.transfer_id LEFT JOIN transfer a ON a.id = d.adjustment_id"
        " WHERE (d.transfer_id IS NOT NULL) <> (d.kind IN ('answer_lost', 'answer_late', 'delivered_twice'))"
        " OR (d.transfer_id IS NOT NULL AND (t.id IS NULL OR t.amount <> d.amount"
        f" OR t.code <> {TransferCode.TAX_PAYMENT:d} OR t.user_data <> d.trace_no"
        " OR t.debit_account_id <> w.account_id))"
        " OR (d.adjustment_id IS NOT NULL) <> (coalesce(d.outcome, '') = 'given_back')"
        " OR (d.adjustment_id IS NOT NULL AND (a.id IS NULL OR a.amount <> d.amount OR t.id IS NULL"
        f" OR a.code <> {TransferCode.ADJUSTMENT:d} OR a.user_data <> d.trace_no"
        " OR a.debit_account_id <> t.credit_account_id OR a.credit_account_id <> w.account_id))"
        " UNION ALL SELECT t.user_data FROM transfer t LEFT JOIN debit_record d ON d.adjustment_id = t.id"
        f" WHERE t.code = {TransferCode.ADJUSTMENT:d} AND t.seq > {LAST_TRANSFER} AND d.trace_no IS NULL"
        " LIMIT 1",
    ),
    (
        "I7",
        "a bill in doubt is open, and has exactly one debit whose outcome is not known",
        "存疑的应征凭证未缴，且恰有一笔结果未知的扣款",
        "SELECT b.bill_no FROM bill b LEFT JOIN debit_record d ON d.bill_no = b.bill_no AND d.outcome IS NULL"
        " AND d.kind <> 'delivered_twice' WHERE b.in_doubt IS NOT NULL OR d.trace_no IS NOT NULL"
        " GROUP BY b.bill_no HAVING count(d.trace_no) <> 1 OR max(b.status) <> 'open'"
        " OR coalesce(max(b.in_doubt), '') <> max(d.trace_no)"
        " UNION ALL SELECT d.trace_no FROM debit_record d LEFT JOIN payment p ON p.payment_no ="
        " d.trace_no WHERE (p.payment_no IS NOT NULL) <> (d.kind = 'delivered_twice'"
        " OR coalesce(d.outcome, '') = 'debited') OR p.amount <> d.amount OR p.bill_no <> d.bill_no"
        " OR p.wallet_id <> d.wallet_id LIMIT 1",
    ),
    (
        "I6",
        "what batches say was paid is what was paid by batch debit, late debits apart",
        "批量扣税结果所载已缴金额等于批量扣税的缴款（补扣除外）",
        "SELECT 'batch debits' FROM (SELECT sum(debits) AS debits, sum(amount) AS amount FROM"
        " (SELECT q.paid AS debits, q.amount FROM batch_part q JOIN batch f ON f.batch_no = q.batch_no"
        " WHERE f.kind = 'debit'"
        " UNION ALL SELECT 1, amount FROM debit_record WHERE mode = 'batch_debit' AND outcome = 'debited'"
        " UNION ALL SELECT -1, -amount FROM payment WHERE mode = 'batch_debit') x) y"
        " WHERE debits <> 0 OR amount <> 0",
    ),
    (
        "I7",
        "a bill has at most one settlement that is not reversed, and is paid by it",
        "每张应征凭证至多一笔未冲正的缴款，且由其缴清",
        "SELECT b.bill_no FROM bill b LEFT JOIN payment p ON p.bill_no = b.bill_no AND p.status = 'settled'"
        " GROUP BY b.bill_no HAVING count(p.payment_no) <> max(CASE WHEN b.status = 'paid' THEN 1 ELSE 0 END)"
        " OR max(CASE WHEN p.amount <> b.amount + p.late_fee THEN 1 ELSE 0 END) = 1 LIMIT 1",
    ),
    (
        "I8",
        "of a payment, reversed plus refunded never exceeds what was paid",
        "冲正与退税之和不超过缴款",
        "SELECT p.payment_no FROM payment p LEFT JOIN refund r ON r.payment_no = p.payment_no"
        " AND r.status NOT IN ('withdrawn', 'tax_refused') GROUP BY p.place"
        " HAVING coalesce(sum(r.amount), 0) <> p.refunded + p.refund_pending"
        " OR coalesce(sum(CASE WHEN r.status = 'completed' THEN r.amount END), 0) <> p.refunded"
        " OR p.refunded > CASE WHEN p.status = 'reversed' THEN 0 ELSE p.amount END LIMIT 1",
    ),
    (
        "I8",
        "every completed refund credited its wallet and its set-off bills with exactly its amount",
        "每笔完成的退税恰好记入钱包与抵缴凭证",
        "SELECT r.refund_no FROM refund r LEFT JOIN (SELECT user_data, sum(amount) AS moved FROM transfer"
        f" WHERE code IN ({TransferCode.REFUND:d}, {TransferCode.SET_OFF:d}) AND seq > {LAST_TRANSFER}"
        " GROUP BY user_data) t"
        " ON t.user_data = r.refund_no"
        " WHERE CASE WHEN r.status = 'completed' THEN r.amount ELSE 0 END <> coalesce(t.moved, 0) LIMIT 1",
    ),
    (
        "I8",
        "every refund, set-off and interest of the journal belongs to a completed refund",
        "流水中每笔退税、抵缴与利息对应一笔已完成的退税",
        "SELECT t.user_data FROM transfer t LEFT JOIN refund r ON r.refund_no = t.user_data"
        f" WHERE t.code IN ({TransferCode.REFUND:d}, {TransferCode.SET_OFF:d}, {TransferCode.INTEREST:d})"
        f" AND t.seq > {LAST_TRANSFER} AND coalesce(r.status, '') <> 'completed' LIMIT 1",
    ),
    (
        "I8",
        "every completed refund credited exactly its interest on top, and a settlement refund none",
        "每笔完成的退税另记其利息，汇算退税不计息",
        "SELECT r.refund_no FROM refund r LEFT JOIN (SELECT user_data, sum(amount) AS moved FROM transfer"
        f" WHERE code = {TransferCode.INTEREST:d} AND seq > {LAST_TRANSFER} GROUP BY user_data) t"
        " ON t.user_data = r.refund_no WHERE coalesce(t.moved, 0) <>"
        " CASE WHEN r.status = 'completed' THEN r.interest ELSE 0 END"
        " OR (r.kind = 'annual_settlement' AND r.interest > 0) LIMIT 1",
    ),
    (
        "I8",
        "every posting of many refunds took from each budget level what its refunds say",
        "每批退税自各级次退付的金额及笔数与该批退税记录一致",
        "SELECT batch_no FROM (SELECT r.batch_no, 'revenue:' || b.treasury || ':' || s.level AS account,"
        " s.amount FROM refund_batch b JOIN refund r ON r.batch_no = b.batch_no"
        " JOIN refund_share s ON s.refund_no = r.refund_no UNION ALL SELECT b.batch_no, a.name, -t.amount"
        " FROM account a JOIN transfer t ON t.debit_account_id = a.id"
        f" JOIN refund_batch b ON b.batch_no = t.user_data WHERE a.code = {AccountCode.TREASURY_REVENUE:d}) x"
        " GROUP BY batch_no, account HAVING sum(amount) <> 0"
        " UNION ALL SELECT b.batch_no FROM refund_batch b LEFT JOIN (SELECT batch_no, count(*) AS refunds,"
        " sum(amount) AS amount FROM refund WHERE batch_no IS NOT NULL AND status = 'completed'"
        " GROUP BY batch_no) r ON r.batch_no = b.batch_no"
        " WHERE coalesce(r.refunds, 0) <> b.refunds OR coalesce(r.amount, 0) <> b.amount LIMIT 1",
    ),
    (
        "I8",
        "no refund credited another wallet than its own",
        "退税只记入其本身的钱包",
        "SELECT r.refund_no FROM refund r JOIN wallet w ON w.wallet_id = r.wallet_id"
        f" JOIN transfer t ON t.user_data = r.refund_no"
        f" AND t.code IN ({TransferCode.REFUND:d}, {TransferCode.INTEREST:d})"
        " WHERE t.credit_account_id <> w.account_id LIMIT 1",
    ),
    (
        "I9",
        "of every load, lien plus settled plus released is what was loaded",
        "每笔装载：圈存余额加已兑付加已解圈等于装载额",
        f"SELECT a.name FROM account a WHERE a.code = {AccountCode.LIEN:d} AND a.id > {LAST_ACCOUNT}"
        " AND NOT EXISTS (SELECT 1 FROM device_load l WHERE l.account_id = a.id) UNION ALL"
        " SELECT l.load_id FROM device_load l JOIN device d ON d.device_id = l.device_id"
        " JOIN account a ON a.id = l.account_id"
        " JOIN wallet w ON w.wallet_id = d.wallet_id WHERE a.credits <> l.amount"
        " OR (SELECT coalesce(sum(t.amount), 0) FROM transfer t WHERE t.credit_account_id = l.account_id"
        f" AND t.code = {TransferCode.LOAD:d} AND t.debit_account_id = w.account_id) <> l.amount"
        " OR (SELECT coalesce(sum(v.amount), 0) FROM voucher v WHERE v.load_id = l.load_id"
        " AND v.status = 'settled') + (SELECT coalesce(sum(t.amount), 0) FROM transfer t"
        f" WHERE t.debit_account_id = l.account_id AND t.code = {TransferCode.RELEASE:d}"
        " AND t.credit_account_id = w.account_id) <> a.debits"
        " OR (SELECT coalesce(sum(v.released), 0) FROM voucher v WHERE v.load_id = l.load_id) >"
        " (SELECT coalesce(sum(t.amount), 0) FROM transfer t WHERE t.debit_account_id = l.account_id"
        f" AND t.code = {TransferCode.RELEASE:d}) LIMIT 1",
    ),
    (
        "I10",
        "of two vouchers with one counter at most one settles, and evidence of the other exists",
        "同一计数的两张凭证至多一张兑付，另一张留有证据",
        "SELECT v.voucher_id FROM voucher v WHERE (v.status = 'settled') <> (v.payment_no IS NOT NULL)"
        " OR (v.status = 'disputed') <> (v.evidence IS NOT NULL) OR (v.status = 'disputed' AND NOT EXISTS"
        " (SELECT 1 FROM voucher o WHERE o.load_id = v.load_id AND o.place < v.place"
        " AND o.status <> 'disputed') AND NOT EXISTS (SELECT 1 FROM device_load l"
        " WHERE l.load_id = v.load_id AND l.unload IS NOT NULL)) OR (v.status = 'disputed'"
        " AND NOT EXISTS (SELECT 1 FROM revocation r WHERE r.serial = v.load_id)) LIMIT 1",
    ),
    (
        "I3",
        "every account is bounded as its kind demands",
        "各账户的限制符合其种类",
        "SELECT name FROM account a LEFT JOIN wallet w ON w.account_id = a.id WHERE a.flags <>"
        f" CASE WHEN a.code IN ({AccountCode.PUBLIC_DEPOSITS:d}, {AccountCode.OPENING:d})"
        f" THEN {AccountFlags.NONE:d} WHEN a.code = {AccountCode.ISSUANCE:d}"
        f" THEN {AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS:d}"
        f" ELSE {AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS:d} END"
        f" + CASE WHEN w.wallet_id IS NULL AND a.code = {AccountCode.WALLET:d} AND a.id <= {LAST_ACCOUNT}"
        f" THEN a.flags & {AccountFlags.CLOSED:d}"
        f" WHEN w.closed_at IS NOT NULL THEN {AccountFlags.CLOSED:d} ELSE 0 END LIMIT 1",
    ),
    (
        "I8",
        "a settlement refund is paid once a year and person, corrections apart",
        "汇算退税每人每年一次（更正申报除外）",
        "SELECT subject_id || ' ' || tax_year FROM refund WHERE kind = 'annual_settlement'"
        " AND is_correction = 0 AND status NOT IN ('withdrawn', 'tax_refused') GROUP BY subject_id, tax_year"
        " HAVING count(*) > 1 LIMIT 1",
    ),
    (
        "I8",
        "what settled a year is the bill or refund it names, final when that is, corrections after it",
        "年度汇算记录与其凭证或退税一致，更正在后",
        "SELECT s.record FROM annual_settlement s LEFT JOIN bill b ON b.bill_no = s.record"
        " LEFT JOIN refund r ON r.refund_no = s.record LEFT JOIN withholding h ON h.place = s.compared_up_to"
        " AND h.subject_id = s.subject_id AND h.tax_year = s.tax_year"
        " WHERE s.outcome <> coalesce(r.amount, -b.amount) OR s.outcome IS NULL"
        " OR s.is_final <> CASE WHEN coalesce(r.status, b.status) IN ('completed', 'paid') THEN 1 ELSE 0 END"
        " OR (coalesce(r.is_correction, 0) = 1 AND s.place <= 1)"
        " OR (s.compared_up_to IS NOT NULL) <> (coalesce(b.basis, r.basis, '') = 'recorded')"
        " OR coalesce(s.compared_up_to, 0) <> coalesce(h.place, 0)"
        " OR s.place > (SELECT count(*) FROM annual_settlement o WHERE o.subject_id = s.subject_id"
        " AND o.tax_year = s.tax_year) LIMIT 1",
    ),
    (
        "I11",
        "what counts towards the limits of personal wallets equals what went out",
        "计入个人钱包限额的金额等于实际付出",
        "SELECT x.wallet_id || ' ' || x.day FROM (SELECT s.wallet_id, s.day, s.amount FROM wallet_spending s"
        " JOIN wallet w ON w.wallet_id = s.wallet_id WHERE w.kind = 'personal'"
        f" UNION ALL SELECT w.wallet_id, {_BEIJING_DAY}, -t.amount FROM transfer t"
        " JOIN wallet w ON w.account_id = t.debit_account_id AND w.kind = 'personal'"
        f" WHERE t.code IN ({TransferCode.WALLET_TRANSFER:d}, {TransferCode.TAX_PAYMENT:d},"
        f" {TransferCode.LOAD:d})"
        f" UNION ALL SELECT w.wallet_id, {_BEIJING_DAY}, t.amount FROM transfer t"
        " JOIN wallet w ON w.account_id = t.credit_account_id AND w.kind = 'personal'"
        f" WHERE t.code = {TransferCode.REVERSAL:d}"
        # What was given back after a reconciliation is allowance of the day on which it was debited.
        f" UNION ALL SELECT d.wallet_id, {_BEIJING_DAY}, a.amount FROM debit_record d"
        " JOIN transfer a ON a.id = d.adjustment_id JOIN transfer t ON t.id = d.transfer_id"
        " JOIN wallet w ON w.wallet_id = d.wallet_id AND w.kind = 'personal') x GROUP BY x.wallet_id, x.day"
        " HAVING sum(x.amount) <> 0 LIMIT 1",
    ),
    (
        "I11",
        "sub-wallets are of their parent's holder, class and operator, one level deep",
        "子钱包与母钱包的持有人、类别和运营机构一致，且只有一层",
        "SELECT w.wallet_id FROM wallet w JOIN wallet p ON p.wallet_id = w.parent WHERE p.parent IS NOT NULL"
        " OR w.subject_id <> p.subject_id OR w.identity_id <> p.identity_id OR w.operator <> p.operator"
        " OR w.kind <> p.kind OR coalesce(w.wallet_class, '') <> coalesce(p.wallet_class, '')"
        " OR w.wallet_class = 'IV' OR (w.closed_at IS NULL AND p.closed_at IS NOT NULL) LIMIT 1",
    ),
    (
        "I11",
        "money between a parent and its sub-wallet is told apart from payments",
        "母钱包与子钱包之间的划转与支付分开记录",
        f"SELECT lower(hex(t.id)) FROM transfer t WHERE t.code = {TransferCode.SUB_WALLET:d}"
        f" AND t.seq > {LAST_TRANSFER} AND NOT EXISTS (SELECT 1 FROM wallet d JOIN wallet c"
        " ON d.parent = c.wallet_id OR c.parent = d.wallet_id"
        " WHERE d.account_id = t.debit_account_id AND c.account_id = t.credit_account_id)"
        # One direction after the other: joined by an OR, a server that has no statistics yet would look at
        # every transfer beside every wallet.
        " UNION ALL SELECT lower(hex(t.id)) FROM wallet w JOIN wallet p ON p.wallet_id = w.parent"
        " JOIN transfer t ON t.debit_account_id = w.account_id AND t.credit_account_id = p.account_id"
        f" WHERE t.code <> {TransferCode.SUB_WALLET:d} AND NOT"
        f" (w.purpose = 'pushed' AND t.code = {TransferCode.WALLET_TRANSFER:d})"  # a charge by its platform
        " UNION ALL SELECT lower(hex(t.id)) FROM wallet w JOIN wallet p ON p.wallet_id = w.parent"
        " JOIN transfer t ON t.credit_account_id = w.account_id AND t.debit_account_id = p.account_id"
        f" WHERE t.code <> {TransferCode.SUB_WALLET:d} LIMIT 1",
    ),
    (
        "I11",
        "a collection sub-wallet pays its parent alone, and the others are credited by it alone",
        "归集子钱包只转给母钱包，其他子钱包只由母钱包转入",
        # Adding 0 has the few sub-wallets looked up in the journal, and not every transfer among the wallets.
        "SELECT w.wallet_id FROM wallet w JOIN transfer t ON t.debit_account_id = w.account_id + 0"
        f" WHERE w.purpose = 'collection' AND t.code <> {TransferCode.SUB_WALLET:d}"
        " UNION ALL SELECT w.wallet_id FROM wallet w"
        " JOIN transfer t ON t.credit_account_id = w.account_id + 0"
        f" WHERE w.purpose <> 'collection' AND t.code NOT IN ({TransferCode.SUB_WALLET:d},"
        f" {TransferCode.ADJUSTMENT:d}) LIMIT 1",  # its own money, after a reconciliation
    ),
    (
        "I11",
        "every sub-wallet has terms, and a conditional one has paid only the payees it names, in time",
        "子钱包均有条件，条件子钱包只在期限内付给限定收款方",
        "SELECT w.wallet_id FROM wallet w LEFT JOIN sub_wallet s ON s.wallet_id = w.wallet_id"
        " WHERE (w.parent IS NULL) <> (s.wallet_id IS NULL)"
        " OR (coalesce(w.purpose, '') = 'pushed') <> (s.token_digest IS NOT NULL)"
        " UNION ALL SELECT w.wallet_id FROM wallet w JOIN sub_wallet s ON s.wallet_id = w.wallet_id"
        " JOIN transfer t ON t.debit_account_id = w.account_id"
        " LEFT JOIN wallet c ON c.account_id = t.credit_account_id"
        " LEFT JOIN payment p ON p.transfer_id = t.id LEFT JOIN debit_record r ON r.transfer_id = t.id"
        " LEFT JOIN bill b ON b.bill_no = coalesce(p.bill_no, r.bill_no)"
        f" WHERE w.purpose = 'conditional' AND t.code <> {TransferCode.SUB_WALLET:d}"
        f" AND ({_BEIJING_DAY} > coalesce(s.until, '9999') OR NOT EXISTS (SELECT 1 FROM sub_wallet_payee y"
        " WHERE y.wallet_id = w.wallet_id AND y.payee IN (c.wallet_id, b.authority))) LIMIT 1",
    ),
    (
        "I6",
        "every interest of the journal is one wallet's of one period, with equal amounts",
        "流水中每笔利息对应一个钱包的一个计息期，金额相等",
        "SELECT i.wallet_id || ' ' || i.period_end FROM interest i JOIN wallet w ON w.wallet_id = i.wallet_id"
        " LEFT JOIN wallet p ON p.wallet_id = w.parent LEFT JOIN transfer t ON t.id = i.transfer_id"
        " LEFT JOIN account c ON c.id = t.credit_account_id LEFT JOIN account d ON d.id = t.debit_account_id"
        " WHERE coalesce(t.amount, 0) <> i.amount OR (i.transfer_id IS NULL) <> (t.id IS NULL)"
        f" OR t.code <> {TransferCode.WALLET_INTEREST:d} OR t.user_data <> i.period_end"
        " OR t.posted_at <> i.at OR w.named_at IS NULL OR i.at <= w.named_at"
        " OR NOT (c.id = coalesce(p.account_id, w.account_id) AND d.name = 'vault:' || w.operator"
        " OR c.name = 'public:' || w.operator AND d.name = 'own:' || w.operator AND w.closed_at = i.at)"
        " UNION ALL SELECT lower(hex(t.id)) FROM transfer t JOIN account c ON c.id = t.credit_account_id"
        f" WHERE t.code = {TransferCode.WALLET_INTEREST:d} AND t.seq > {LAST_TRANSFER}"
        f" AND c.code <> {AccountCode.OPERATOR_RESERVE:d}"
        " AND NOT EXISTS (SELECT 1 FROM interest i WHERE i.transfer_id = t.id) LIMIT 1",
    ),
    (
        "I6",
        "interest creates or loses no fen: own funds lost exactly what wallets and closers got",
        "利息不增不减一分：自有资金减少额等于钱包与销户人所得",
        # Asked of each of the few accounts of own funds, so that the journal is not read for it.
        f"SELECT a.name FROM account a WHERE a.code = {AccountCode.OPERATOR_OWN_FUNDS:d} AND"
        " ((SELECT coalesce(sum(t.amount), 0) FROM transfer t WHERE t.debit_account_id = a.id"
        f" AND t.code = {TransferCode.WALLET_INTEREST:d} AND t.seq > {LAST_TRANSFER})"
        " <> (SELECT coalesce(sum(i.amount), 0) FROM interest i JOIN wallet w ON w.wallet_id = i.wallet_id"
        " WHERE a.name = 'own:' || w.operator)"
        " OR EXISTS (SELECT 1 FROM transfer t WHERE t.debit_account_id = a.id"
        f" AND t.code <> {TransferCode.WALLET_INTEREST:d} AND t.seq > {LAST_TRANSFER})) LIMIT 1",
    ),
    (
        "I12",
        "no nameless wallet has signed an agreement",
        "匿名钱包未签订协议",
        "SELECT agreement_no FROM agreement g JOIN wallet w ON w.wallet_id = g.wallet_id"
        " WHERE w.wallet_class = 'IV' LIMIT 1",
    ),
    (
        "I13",
        "treasuries close their days one after the other, and allocate on closed days only",
        "国库逐日报解，无遗漏，且只在已报解之日分配",
        "SELECT d.treasury || ' ' || d.day FROM treasury_day d WHERE d.closed_with < d.day"
        " OR date(d.closed_at / 1000000 + 28800, 'unixepoch') < d.closed_with"
        " OR (NOT EXISTS (SELECT 1 FROM treasury_day e WHERE e.treasury = d.treasury"
        " AND e.day = date(d.day, '-1 day')) AND EXISTS (SELECT 1 FROM treasury_day e"
        " WHERE e.treasury = d.treasury AND e.day < d.day))"
        " UNION ALL SELECT a.treasury || ' ' || a.day FROM allocation a LEFT JOIN treasury_day d"
        " ON d.treasury = a.treasury AND d.day = a.day WHERE d.day IS NULL LIMIT 1",
    ),
    (
        "I13",
        "of every closed day, allocations add up to what was paid and not reversed, by operator and tax",
        "每个已报解之日，分运营机构、分税种的报解额等于当日缴款减冲正",
        "SELECT treasury || ' ' || day FROM (SELECT treasury, day, operator, code, amount FROM allocation"
        f" UNION ALL SELECT i.treasury, {_COLLECTED_DAY}, w.operator, b.code, -p.amount {_COLLECTED}"
        " AND EXISTS (SELECT 1 FROM treasury_day)"
        " AND EXISTS (SELECT 1 FROM treasury_day d WHERE d.treasury = i.treasury"
        f" AND d.day = {_COLLECTED_DAY})"
        ") GROUP BY treasury, day, operator, code HAVING sum(amount) <> 0 LIMIT 1",
    ),
    (
        "I13",
        "every closing moved its allocations: e-CNY from each operator, deposits to each budget level",
        "每次报解均按分配划转：自各运营机构回笼数字人民币，向各级次入库存款",
        "SELECT reference FROM (SELECT treasury || ' ' || day AS reference,"
        " 'collection:' || operator || ':' || treasury AS account, amount FROM allocation"
        " UNION ALL SELECT treasury || ' ' || day, 'revenue:' || treasury || ':' || level, amount"
        " FROM allocation UNION ALL SELECT t.user_data, substr(a.name, 1, length(a.name) - 2), -t.amount"
        " FROM account s JOIN transfer t ON t.credit_account_id = s.id + 0"
        " JOIN account a ON a.id = t.debit_account_id"
        f" WHERE s.code = {AccountCode.ISSUANCE:d} AND t.code = {TransferCode.ALLOCATION:d}"
        f" AND t.seq > {LAST_TRANSFER}"
        " UNION ALL SELECT t.user_data, a.name, -t.amount FROM account s"
        " JOIN transfer t ON t.debit_account_id = s.id + 0 JOIN account a ON a.id = t.credit_account_id"
        f" WHERE s.code = {AccountCode.RESERVE_BACKING:d} AND t.code = {TransferCode.BACKING_TO_REVENUE:d}"
        f" AND t.seq > {LAST_TRANSFER}) GROUP BY reference, account HAVING sum(amount) <> 0 LIMIT 1",
    ),
    (
        "I13",
        "every collection account holds exactly what is not yet allocated, and what was debited in doubt",
        "各待报解账户余额恰为尚未报解的金额及存疑扣款",
        "SELECT name FROM (SELECT name, credits - debits AS amount FROM account"
        f" WHERE code = {AccountCode.COLLECTION:d} UNION ALL SELECT a.name, -t.amount FROM account a"
        " JOIN transfer t ON t.credit_account_id = a.id"
        f" WHERE a.code = {AccountCode.COLLECTION:d} AND t.seq <= {LAST_TRANSFER}"
        " UNION ALL SELECT a.name, t.amount FROM account a JOIN transfer t ON t.debit_account_id = a.id"
        f" WHERE a.code = {AccountCode.COLLECTION:d} AND t.seq <= {LAST_TRANSFER}"
        f" UNION ALL SELECT {_COLLECTION}, -p.amount {_COLLECTED} AND NOT EXISTS"
        f" (SELECT 1 FROM treasury_day d WHERE d.treasury = i.treasury AND d.day = {_COLLECTED_DAY})"
        f" UNION ALL SELECT {_COLLECTION}, -d.amount FROM debit_record d"
        " JOIN bill b ON b.bill_no = d.bill_no JOIN wallet w ON w.wallet_id = d.wallet_id"
        " JOIN institution i ON i.kind = 'tax_authority' AND i.code = b.authority"
        " WHERE d.transfer_id IS NOT NULL AND d.adjustment_id IS NULL)"
        " GROUP BY name HAVING sum(amount) <> 0 LIMIT 1",
    ),
)
