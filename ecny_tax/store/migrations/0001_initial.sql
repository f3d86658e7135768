-- The whole data model, top to bottom.  Amounts are fen; times are microseconds since 1970, UTC; days are
-- ISO dates of Beijing.  The numbered files in migrations/ lead from nothing to exactly this.

CREATE TABLE meta (               -- one row a fact: keyring, ledger, mark (of the log), fixed_time, imported_…
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT;

-- ledger ----------------------------------------------------------------------------------------------

CREATE TABLE account (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    ledger     INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    flags      INTEGER NOT NULL,
    debits     INTEGER NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits    INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
    opened_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE transfer (
    seq                INTEGER PRIMARY KEY,
    id                 BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    debit_account_id   INTEGER NOT NULL REFERENCES account,
    credit_account_id  INTEGER NOT NULL REFERENCES account,
    amount             INTEGER NOT NULL CHECK (amount >= 0),
    ledger             INTEGER NOT NULL,
    code               INTEGER NOT NULL,
    flags              INTEGER NOT NULL,
    user_data          TEXT    NOT NULL,
    posted_at          INTEGER NOT NULL
) STRICT;

CREATE INDEX transfer_by_debit  ON transfer (debit_account_id, seq);
CREATE INDEX transfer_by_credit ON transfer (credit_account_id, seq);

CREATE TRIGGER transfer_is_never_updated BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never updated'); END;

CREATE TRIGGER transfer_is_never_deleted BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;

-- An outside REPLACE deletes without waking the trigger above.
CREATE TRIGGER transfer_is_never_replaced BEFORE INSERT ON transfer
WHEN EXISTS (SELECT 1 FROM transfer WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM transfer WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'a transfer is never replaced'); END;

CREATE TRIGGER account_is_never_deleted BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'an account is never deleted'); END;

CREATE TABLE event (              -- what the transparency log holds besides transfers
    place       INTEGER PRIMARY KEY,  -- the order of writing
    account_id  INTEGER REFERENCES account,  -- of an opening, a closing or another change of flags
    flags       INTEGER,              -- the account's from then on
    digest      BLOB CHECK (length(digest) = 32),  -- of an entry of the access log, in their order
    after_seq   INTEGER NOT NULL,     -- the newest transfer before it
    at          INTEGER NOT NULL,
    CHECK ((account_id IS NULL) = (flags IS NULL) AND (account_id IS NULL) = (digest IS NOT NULL))
) STRICT;

CREATE INDEX event_by_transfer ON event (after_seq, place);

CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never updated'); END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;

CREATE TRIGGER event_is_never_replaced BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE place = NEW.place)
BEGIN SELECT RAISE(ABORT, 'an event is never replaced'); END;

-- access log ------------------------------------------------------------------------------------------

CREATE TABLE access (             -- who asked for what under law, and what came of it; nobody's name stands here
    place              INTEGER PRIMARY KEY,  -- the order of writing; an event seals each
    action             TEXT NOT NULL,
    wallet             TEXT,      -- as asked for, where it has the form of one
    party              TEXT,      -- who asked; none where that was not proven
    instrument_no      TEXT,      -- of an instrument whose signature verified, as are the next two
    instrument_digest  BLOB,
    case_no            TEXT,
    asked              TEXT NOT NULL,
    outcome            TEXT NOT NULL,  -- done, or the code of the refusal
    at                 INTEGER NOT NULL
) STRICT;

CREATE INDEX access_by_instrument ON access (instrument_no);
CREATE INDEX access_by_wallet     ON access (wallet);

CREATE TRIGGER access_is_never_updated BEFORE UPDATE ON access
BEGIN SELECT RAISE(ABORT, 'an entry of the access log is never updated'); END;

CREATE TRIGGER access_is_never_deleted BEFORE DELETE ON access
BEGIN SELECT RAISE(ABORT, 'an entry of the access log is never deleted'); END;

CREATE TRIGGER access_is_never_replaced BEFORE INSERT ON access
WHEN EXISTS (SELECT 1 FROM access WHERE place = NEW.place)
BEGIN SELECT RAISE(ABORT, 'an entry of the access log is never replaced'); END;

-- transparency log ------------------------------------------------------------------------------------

CREATE TABLE log_tile (           -- the Merkle tree over transfers and events: joined hashes, up to 256
    level   INTEGER NOT NULL,     -- 0: of records; above: the roots of full tiles
    place   INTEGER NOT NULL,
    hashes  BLOB    NOT NULL,
    PRIMARY KEY (level, place)
) STRICT;

CREATE TRIGGER log_tile_only_grows BEFORE UPDATE ON log_tile
WHEN (NEW.level = OLD.level AND NEW.place = OLD.place
    AND substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes) IS NOT TRUE
BEGIN SELECT RAISE(ABORT, 'a tile of the log only grows'); END;

CREATE TRIGGER log_tile_is_never_deleted BEFORE DELETE ON log_tile
BEGIN SELECT RAISE(ABORT, 'a tile of the log is never deleted'); END;

CREATE TRIGGER log_tile_is_never_replaced BEFORE INSERT ON log_tile
WHEN EXISTS (SELECT 1 FROM log_tile WHERE level = NEW.level AND place = NEW.place)
BEGIN SELECT RAISE(ABORT, 'a tile of the log is never replaced'); END;

CREATE TABLE checkpoint (         -- the states of the log that the ledger's key has signed
    place      INTEGER PRIMARY KEY,  -- the order of signing
    size       INTEGER NOT NULL UNIQUE,
    transfers  INTEGER NOT NULL,     -- how many of these records are transfers
    note       TEXT    NOT NULL
) STRICT;

CREATE TRIGGER checkpoint_is_never_updated BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never updated'); END;

CREATE TRIGGER checkpoint_is_never_deleted BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;

CREATE TRIGGER checkpoint_is_never_replaced BEFORE INSERT ON checkpoint
WHEN EXISTS (SELECT 1 FROM checkpoint WHERE place = NEW.place OR size = NEW.size)
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never replaced'); END;

-- parties ---------------------------------------------------------------------------------------------

CREATE TABLE institution (        -- central bank, operators, authorities, treasuries, courts …: public knowledge
    kind        TEXT NOT NULL,
    code        TEXT NOT NULL,
    name_zh     TEXT NOT NULL,
    name_en     TEXT NOT NULL,
    digits      TEXT,             -- of an operator: the two digits inside its wallet ids
    treasury    TEXT,             -- of a tax authority: the treasury it collects for
    public_key  BLOB NOT NULL,
    PRIMARY KEY (kind, code)
) STRICT;

CREATE TABLE identity (           -- who somebody is: the one place of names, id numbers and phones
    identity_id   TEXT PRIMARY KEY,
    subject_id    TEXT NOT NULL,  -- pseudonym of the person or body, the same for every spelling of its name
    custodian     TEXT NOT NULL,  -- who took it and alone opens it: operator:ICBC, tax_authority:14407840000
    kind          TEXT NOT NULL,
    digest        BLOB,           -- keyed, over subject, kind, name, id number and phone; none once erased
    sealed        BLOB,           -- none once erased
    UNIQUE (custodian, digest)
) STRICT;

CREATE INDEX identity_by_subject ON identity (subject_id);

CREATE TABLE subject_key (        -- one data key a subject and custodian; without it nothing is left to open
    subject_id   TEXT NOT NULL,
    custodian    TEXT NOT NULL,
    wrapped_key  BLOB NOT NULL,
    PRIMARY KEY (subject_id, custodian)
) STRICT;

-- wallets ---------------------------------------------------------------------------------------------

CREATE TABLE wallet (
    wallet_id     TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    wallet_class  TEXT,
    operator      TEXT NOT NULL,
    identity_id   TEXT NOT NULL REFERENCES identity,
    subject_id    TEXT NOT NULL,
    account_id    INTEGER NOT NULL UNIQUE REFERENCES account,
    public_key    BLOB NOT NULL,
    opened_at     INTEGER NOT NULL,
    closed_at     INTEGER,
    stop_reason   TEXT,           -- of a protective stop
    stopped_until INTEGER CHECK (stopped_until IS NULL OR stop_reason IS NOT NULL),  -- none: until it is lifted
    frozen        INTEGER NOT NULL DEFAULT 0,  -- how many freezes of it are in force: what a payment looks at
    parent        TEXT REFERENCES wallet,  -- of a sub-wallet
    purpose       TEXT CHECK ((purpose IS NULL) = (parent IS NULL)),
    named_at      INTEGER         -- since when its holder is known by name; none of class IV
) STRICT;

CREATE INDEX wallet_by_subject ON wallet (subject_id);
CREATE INDEX wallet_by_operator ON wallet (operator, account_id);
CREATE INDEX wallet_by_parent  ON wallet (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX one_real_name_wallet_per_person_and_operator ON wallet (subject_id, operator)
    WHERE kind = 'personal' AND wallet_class <> 'IV' AND closed_at IS NULL AND parent IS NULL;

CREATE TABLE wallet_freeze (             -- what courts froze: each is lifted by itself, and only by its issuer
    wallet_id      TEXT    NOT NULL REFERENCES wallet,
    issuer         TEXT    NOT NULL,
    instrument_no  TEXT    NOT NULL,
    case_no        TEXT    NOT NULL,
    laid_at        INTEGER NOT NULL,
    lifted_by      TEXT,             -- the number of the issuer's instrument that lifted it
    lifted_at      INTEGER,
    PRIMARY KEY (wallet_id, issuer, instrument_no),
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
) STRICT;

CREATE TABLE wallet_spending (    -- what counts towards the limits of personal wallets
    wallet_id  TEXT    NOT NULL REFERENCES wallet,
    day        TEXT    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (wallet_id, day)
) STRICT;

CREATE TABLE disclosure (         -- whom the holder of a wallet signed with, declared to or paid, and as whom
    wallet_id    TEXT    NOT NULL REFERENCES wallet,
    custodian    TEXT    NOT NULL,
    identity_id  TEXT    NOT NULL REFERENCES identity,  -- the custodian's own record
    is_holder    INTEGER NOT NULL CHECK (is_holder IN (0, 1)),  -- 0: as entered in a verified agreement
    PRIMARY KEY (wallet_id, custodian, identity_id)
) STRICT;

CREATE TABLE sub_wallet (         -- on what terms a sub-wallet pays
    wallet_id     TEXT PRIMARY KEY REFERENCES wallet,
    single        INTEGER CHECK (single > 0),
    day           INTEGER CHECK (day > 0),
    until         TEXT,           -- the last day of a conditional one
    platform      TEXT,           -- whom a pushed one was pushed to
    token_digest  BLOB UNIQUE     -- keyed, over the platform's token
) STRICT;

CREATE TABLE sub_wallet_payee (   -- whom a conditional sub-wallet pays: wallets and tax authorities
    wallet_id  TEXT NOT NULL REFERENCES sub_wallet,
    payee      TEXT NOT NULL,
    PRIMARY KEY (wallet_id, payee)
) STRICT;

CREATE TABLE interest (           -- what a wallet earned in a period, decided once
    wallet_id    TEXT    NOT NULL REFERENCES wallet,
    period_end   TEXT    NOT NULL,  -- its last day; it begins after the one before
    product_sum  TEXT    NOT NULL,  -- fen times days, in digits: it may need more than 64 bits
    amount       INTEGER NOT NULL CHECK (amount >= 0),
    at           INTEGER NOT NULL,
    transfer_id  BLOB UNIQUE CHECK ((transfer_id IS NULL) = (amount = 0)),
    PRIMARY KEY (wallet_id, period_end)
) STRICT;

-- agreements ------------------------------------------------------------------------------------------

CREATE TABLE agreement (
    place         INTEGER PRIMARY KEY,  -- the order of writing
    agreement_no  TEXT NOT NULL UNIQUE,
    wallet_id     TEXT NOT NULL REFERENCES wallet,
    authority     TEXT NOT NULL,
    identity_id   TEXT NOT NULL REFERENCES identity,  -- the taxpayer as entered
    subject_id    TEXT NOT NULL,
    batch_debit   INTEGER NOT NULL,
    status        TEXT NOT NULL,
    code          TEXT,           -- why the operator refused it
    signed_at     INTEGER NOT NULL,
    verified_at   INTEGER,
    ended_at      INTEGER,
    signatures    BLOB NOT NULL,  -- COSE_Sign without its payload, which this row and the names give
    answer        BLOB            -- what the operator answered to its verification (COSE_Sign1)
) STRICT;

CREATE INDEX agreement_by_wallet  ON agreement (wallet_id);
CREATE INDEX agreement_by_subject ON agreement (subject_id, authority);

-- taxes -----------------------------------------------------------------------------------------------

CREATE TABLE bill (
    place          INTEGER PRIMARY KEY,  -- the order of writing
    bill_no        TEXT NOT NULL UNIQUE,
    identity_id    TEXT NOT NULL REFERENCES identity,
    subject_id     TEXT NOT NULL,
    authority      TEXT NOT NULL,
    tax            TEXT NOT NULL,  -- stamp-duty, income-tax, other
    code           TEXT NOT NULL,  -- collection item (征收项目)
    item           TEXT,           -- tax item (税目)
    base           INTEGER,
    rate           TEXT,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    period_start   TEXT NOT NULL,
    period_end     TEXT NOT NULL,
    due_date       TEXT NOT NULL,
    citation       TEXT NOT NULL,
    evidence       TEXT NOT NULL,
    basis          TEXT,           -- of an annual return: stated, recorded
    late_fee       INTEGER NOT NULL DEFAULT 0 CHECK (late_fee >= 0),  -- as paid
    status         TEXT NOT NULL,
    in_doubt       TEXT,           -- the debit whose outcome is not known
    declared_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX bill_by_subject ON bill (subject_id, status);

CREATE TABLE withholding (        -- what withholding agents declared of persons and years
    place           INTEGER PRIMARY KEY,  -- the order of writing
    withholding_no  TEXT NOT NULL UNIQUE,
    agent_id        TEXT NOT NULL REFERENCES identity,
    agent_subject   TEXT NOT NULL,
    identity_id     TEXT NOT NULL REFERENCES identity,
    subject_id      TEXT NOT NULL,
    tax_year        INTEGER NOT NULL,
    wages           INTEGER NOT NULL,
    labour          INTEGER NOT NULL,
    author          INTEGER NOT NULL,
    royalty         INTEGER NOT NULL,
    bonus           INTEGER NOT NULL,
    bonus_mode      TEXT    NOT NULL,
    withheld        INTEGER NOT NULL,
    bill_no         TEXT REFERENCES bill (bill_no),  -- none where nothing was withheld
    declared_at     INTEGER NOT NULL,
    cancelled_at    INTEGER
) STRICT;

CREATE INDEX withholding_by_subject ON withholding (subject_id, tax_year);
CREATE INDEX withholding_by_bill    ON withholding (bill_no);

CREATE TABLE annual_settlement (  -- the bills and refunds by which a person settled a year, corrections after
    subject_id      TEXT    NOT NULL,
    tax_year        INTEGER NOT NULL,
    place           INTEGER NOT NULL,
    record          TEXT    NOT NULL UNIQUE,  -- the number of that bill or refund
    outcome         INTEGER NOT NULL,         -- a refund is positive, what was due negative
    is_final        INTEGER NOT NULL DEFAULT 0 CHECK (is_final IN (0, 1)),  -- paid, or refunded
    compared_up_to  INTEGER REFERENCES withholding,  -- the last statement there was, if any
    PRIMARY KEY (subject_id, tax_year, place)
) STRICT;

CREATE TABLE explanation (        -- how the amount of a bill or refund came about
    record  TEXT PRIMARY KEY,      -- its number
    steps   TEXT NOT NULL          -- JSON: a list of [label, label in Chinese, amount, citation]
) STRICT;

-- payments --------------------------------------------------------------------------------------------

CREATE TABLE payment (
    place          INTEGER PRIMARY KEY,  -- the order of writing
    payment_no     TEXT NOT NULL UNIQUE,
    bill_no        TEXT NOT NULL REFERENCES bill (bill_no),
    wallet_id      TEXT NOT NULL REFERENCES wallet,
    payer_id       TEXT REFERENCES identity,  -- as the authority knows it; none of a nameless wallet
    agreement_no   TEXT REFERENCES agreement (agreement_no),
    amount         INTEGER NOT NULL CHECK (amount > 0),
    late_fee       INTEGER NOT NULL CHECK (late_fee >= 0 AND late_fee < amount),  -- part of the amount
    fee            INTEGER NOT NULL,
    mode           TEXT NOT NULL,
    status         TEXT NOT NULL,
    settled_at     INTEGER NOT NULL,
    balance_after  INTEGER NOT NULL,
    receipt_no     TEXT NOT NULL UNIQUE,
    transfer_id    BLOB NOT NULL,
    authorisation  BLOB NOT NULL,  -- the signed instruction or order (COSE_Sign1), or the line of a batch
    refunded       INTEGER NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    refund_pending INTEGER NOT NULL DEFAULT 0 CHECK (refund_pending >= 0 AND refunded + refund_pending <= amount),
    reversed_at    INTEGER,
    print_count    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX one_settlement_per_bill ON payment (bill_no) WHERE status = 'settled';
CREATE INDEX payment_by_wallet ON payment (wallet_id);
CREATE INDEX payment_by_time   ON payment (settled_at);

-- batches ---------------------------------------------------------------------------------------------

CREATE TABLE batch (              -- files of debits or refunds that were taken in, each signed as a whole
    place      INTEGER PRIMARY KEY,  -- the order of taking in
    batch_no   TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('debit', 'refund')),
    authority  TEXT    NOT NULL,
    lines      INTEGER NOT NULL CHECK (lines > 0),
    message    BLOB    NOT NULL,  -- what the authority signed (COSE_Sign1): the digests of all parts
    taken_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE batch_part (         -- the parts of a batch that are carried out, from the first on without gaps
    batch_no  TEXT    NOT NULL REFERENCES batch (batch_no),
    part      INTEGER NOT NULL,  -- from 0
    lines     TEXT    NOT NULL,  -- as signed
    results   TEXT    NOT NULL,  -- one line each
    paid      INTEGER NOT NULL CHECK (paid >= 0),     -- how many
    refused   INTEGER NOT NULL CHECK (refused >= 0),
    pending   INTEGER NOT NULL CHECK (pending >= 0),  -- debits in doubt, and refunds that were not credited
    amount    INTEGER NOT NULL CHECK (amount >= 0),   -- of what was paid
    done_at   INTEGER NOT NULL,
    PRIMARY KEY (batch_no, part)
) STRICT;

-- doubts ----------------------------------------------------------------------------------------------

CREATE TABLE ordered_failure (    -- what is to go wrong next, because somebody ordered it
    place         INTEGER PRIMARY KEY,  -- the order of writing
    failure_no    TEXT    NOT NULL UNIQUE,
    strikes       TEXT    NOT NULL CHECK (strikes IN ('debit', 'refund', 'request')),
    kind          TEXT    NOT NULL,
    operator      TEXT,           -- whose debits or refunds; none: any operator's
    wallet_id     TEXT REFERENCES wallet,  -- none: of any wallet
    operation     TEXT,           -- of requests over HTTP; none: any
    party         TEXT,           -- who asks; none: anybody
    seconds       INTEGER,        -- by how much an answer is late
    code          TEXT,           -- what is answered instead
    times         INTEGER NOT NULL CHECK (times > 0),
    remaining     INTEGER NOT NULL CHECK (remaining >= 0 AND remaining <= times),
    ordered_at    INTEGER NOT NULL,
    cancelled_at  INTEGER
) STRICT;

CREATE INDEX ordered_failure_waiting ON ordered_failure (strikes, place)
    WHERE remaining > 0 AND cancelled_at IS NULL;

CREATE TABLE debit_record (       -- what treasury and operator wrote of a debit that a failure struck
    place            INTEGER PRIMARY KEY,  -- the order of writing
    trace_no         TEXT    NOT NULL UNIQUE,  -- of the debit; the number of the payment, where there is one
    kind             TEXT    NOT NULL,  -- of the failure
    bill_no          TEXT    NOT NULL REFERENCES bill (bill_no),
    wallet_id        TEXT    NOT NULL REFERENCES wallet,
    agreement_no     TEXT REFERENCES agreement (agreement_no),
    mode             TEXT    NOT NULL,
    amount           INTEGER NOT NULL CHECK (amount > 0),
    authorisation    BLOB    NOT NULL,  -- as of a payment
    entrusted_at     INTEGER NOT NULL,
    treasury_status  TEXT,           -- succeeded, failed; none where it has no record
    treasury_amount  INTEGER CHECK ((treasury_amount IS NULL) = (treasury_status IS NULL)),
    operator_status  TEXT,
    operator_amount  INTEGER CHECK ((operator_amount IS NULL) = (operator_status IS NULL)),
    transfer_id      BLOB UNIQUE,    -- what the operator debited beside a payment
    outcome          TEXT,           -- none as long as it is in doubt
    adjustment_id    BLOB UNIQUE,    -- the transfer that gave that back
    decided_at       INTEGER CHECK ((decided_at IS NULL) = (outcome IS NULL))
) STRICT;

CREATE INDEX debit_record_in_doubt ON debit_record (trace_no) WHERE outcome IS NULL;

-- refunds ---------------------------------------------------------------------------------------------

CREATE TABLE refund_batch (       -- refunds that a treasury paid together: one posting, netted by level and operator
    place      INTEGER PRIMARY KEY,  -- the order of writing
    batch_no   TEXT NOT NULL UNIQUE,
    treasury   TEXT NOT NULL,
    code       TEXT NOT NULL,     -- collection item (征收项目)
    refunds    INTEGER NOT NULL CHECK (refunds > 0),
    amount     INTEGER NOT NULL CHECK (amount > 0),
    paid_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE refund (
    place          INTEGER PRIMARY KEY,  -- the order of writing
    refund_no      TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,  -- annual_settlement, payment
    identity_id    TEXT REFERENCES identity,  -- the payee as the authority knows it; none if nameless
    subject_id     TEXT NOT NULL,
    authority      TEXT NOT NULL,
    wallet_id      TEXT NOT NULL REFERENCES wallet,
    payment_no     TEXT REFERENCES payment (payment_no),
    tax_year       INTEGER,
    is_correction  INTEGER NOT NULL CHECK (is_correction IN (0, 1)),
    code           TEXT NOT NULL,  -- collection item (征收项目)
    reason         TEXT NOT NULL,
    basis          TEXT,           -- of an annual return: stated, recorded
    amount         INTEGER NOT NULL CHECK (amount > 0),
    set_off        INTEGER NOT NULL DEFAULT 0 CHECK (set_off >= 0 AND set_off <= amount),
    interest       INTEGER NOT NULL DEFAULT 0 CHECK (interest >= 0),  -- on top of the amount
    status         TEXT NOT NULL,
    failure_code   TEXT,
    balance_after  INTEGER,
    applied_at     INTEGER NOT NULL,
    completed_at   INTEGER,
    batch_no       TEXT REFERENCES refund_batch (batch_no)  -- none of one that was paid by itself
) STRICT;

CREATE INDEX refund_by_subject ON refund (subject_id);
CREATE INDEX refund_by_payment ON refund (payment_no);

CREATE TABLE refund_share (       -- what each budget level paid of a refund
    refund_no  TEXT    NOT NULL REFERENCES refund (refund_no),
    level      TEXT    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (refund_no, level)
) STRICT;

CREATE TABLE refund_event (       -- the way of a refund through review and treasury
    place      INTEGER PRIMARY KEY,  -- the order of writing
    refund_no  TEXT    NOT NULL REFERENCES refund (refund_no),
    step       INTEGER NOT NULL,  -- on the way of that refund, from 1
    status     TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    UNIQUE (refund_no, step)
) STRICT;

-- treasury --------------------------------------------------------------------------------------------

CREATE TABLE treasury_day (       -- the days that a treasury has closed, from its first day on without gaps
    treasury     TEXT    NOT NULL,
    day          TEXT    NOT NULL,
    closed_with  TEXT    NOT NULL CHECK (closed_with >= day),  -- the day that was asked for: it or a later one
    closed_at    INTEGER NOT NULL,
    PRIMARY KEY (treasury, day)
) STRICT;

CREATE TRIGGER treasury_day_is_never_updated BEFORE UPDATE ON treasury_day
BEGIN SELECT RAISE(ABORT, 'a closed day is never updated'); END;

CREATE TRIGGER treasury_day_is_never_deleted BEFORE DELETE ON treasury_day
BEGIN SELECT RAISE(ABORT, 'a closed day is never deleted'); END;

CREATE TRIGGER treasury_day_is_never_replaced BEFORE INSERT ON treasury_day
WHEN EXISTS (SELECT 1 FROM treasury_day WHERE treasury = NEW.treasury AND day = NEW.day)
BEGIN SELECT RAISE(ABORT, 'a closed day is never replaced'); END;

CREATE TABLE allocation (         -- what each budget level got of what an operator collected on a closed day
    treasury  TEXT    NOT NULL,
    day       TEXT    NOT NULL,
    operator  TEXT    NOT NULL,
    code      TEXT    NOT NULL,   -- collection item (征收项目)
    level     TEXT    NOT NULL,
    amount    INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (treasury, day, operator, code, level),
    FOREIGN KEY (treasury, day) REFERENCES treasury_day
) STRICT;

CREATE TRIGGER allocation_is_never_updated BEFORE UPDATE ON allocation
BEGIN SELECT RAISE(ABORT, 'an allocation is never updated'); END;

CREATE TRIGGER allocation_is_never_deleted BEFORE DELETE ON allocation
BEGIN SELECT RAISE(ABORT, 'an allocation is never deleted'); END;

CREATE TRIGGER allocation_is_never_replaced BEFORE INSERT ON allocation
WHEN EXISTS (SELECT 1 FROM allocation WHERE treasury = NEW.treasury AND day = NEW.day
    AND operator = NEW.operator AND code = NEW.code AND level = NEW.level)
BEGIN SELECT RAISE(ABORT, 'an allocation is never replaced'); END;

-- offline ---------------------------------------------------------------------------------------------

CREATE TABLE certificate (        -- everything that was certified: root, operators, authorities, devices, terminals
    place      INTEGER PRIMARY KEY,  -- the order of issue
    serial     TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,     -- operator, authority, device or terminal
    message    BLOB NOT NULL,     -- COSE_Sign1
    issuer     TEXT REFERENCES certificate (serial),  -- none of the root
    not_after  INTEGER NOT NULL,
    issued_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX certificate_by_subject ON certificate (kind, subject);

CREATE TABLE device (
    place        INTEGER PRIMARY KEY,  -- the order of enrolling
    device_id    TEXT NOT NULL UNIQUE,
    wallet_id    TEXT NOT NULL REFERENCES wallet,
    certificate  TEXT NOT NULL REFERENCES certificate (serial),  -- the newest
    enrolled_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX device_by_wallet ON device (wallet_id);

CREATE TABLE device_load (
    load_id        TEXT PRIMARY KEY,
    device_id      TEXT NOT NULL REFERENCES device (device_id),
    account_id     INTEGER NOT NULL UNIQUE REFERENCES account,  -- the lien
    certificate    TEXT NOT NULL REFERENCES certificate (serial),  -- the device's, of the same operator's key
    message        BLOB NOT NULL,  -- the load certificate, COSE_Sign1
    amount         INTEGER NOT NULL CHECK (amount > 0),
    first_counter  INTEGER NOT NULL,
    last_counter   INTEGER NOT NULL,
    spend_by       INTEGER NOT NULL,
    redeem_by      INTEGER NOT NULL,
    loaded_at      INTEGER NOT NULL,
    unload         BLOB,           -- the device's unload statement, with its chain
    evidence       BLOB,           -- a statement that contradicts a voucher, with it
    released_at    INTEGER         -- when the rest went back
) STRICT;

CREATE INDEX device_load_by_device ON device_load (device_id, last_counter);

CREATE TABLE voucher (            -- what was decided about each voucher that a device did sign
    place        INTEGER PRIMARY KEY,  -- the order of decision
    voucher_id   TEXT NOT NULL,
    load_id      TEXT NOT NULL REFERENCES device_load,
    counter      INTEGER NOT NULL,
    digest       BLOB NOT NULL,
    bundle       BLOB NOT NULL,
    amount       INTEGER NOT NULL CHECK (amount > 0),
    named_bill   TEXT NOT NULL,    -- by its request, whether there is such a bill or not
    status       TEXT NOT NULL,    -- settled, rejected, disputed
    code         TEXT,             -- why not settled
    payment_no   TEXT REFERENCES payment (payment_no),
    released     INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, amount)),  -- went back to the wallet
    evidence     BLOB,             -- of a disputed one: it and the one before, with their chains
    accepted_at  INTEGER,          -- by a terminal, if it says so
    decided_at   INTEGER NOT NULL,
    UNIQUE (load_id, counter, digest)
) STRICT;

CREATE UNIQUE INDEX one_decision_per_counter ON voucher (load_id, counter) WHERE status <> 'disputed';

CREATE TABLE voucher_waiting (    -- presented in time, and not decided then for a reason that passes
    place         INTEGER PRIMARY KEY,  -- the order of presentation
    load_id       TEXT NOT NULL REFERENCES device_load,
    digest        BLOB NOT NULL,
    bundle        BLOB NOT NULL,
    receipt       BLOB,            -- the terminal's, with its chain, if it came with it
    presented_at  INTEGER NOT NULL,  -- for the first time
    UNIQUE (load_id, digest)
) STRICT;

CREATE TABLE revocation (         -- what counts no more, in the order in which it was revoked
    number  INTEGER PRIMARY KEY,
    serial  TEXT    NOT NULL UNIQUE,  -- of a certificate, device, terminal or load
    since   INTEGER NOT NULL,
    reason  TEXT    NOT NULL
) STRICT;

-- idempotency -----------------------------------------------------------------------------------------

CREATE TABLE answered_request (   -- what was answered to a request that came with an idempotency key
    operation  TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    digest     BLOB    NOT NULL,
    answer     TEXT,              -- none where what came of it shows in a record
    record     TEXT CHECK ((record IS NULL) = (answer IS NOT NULL)),
    at         INTEGER NOT NULL,
    PRIMARY KEY (operation, actor, key)
) STRICT;

-- What came over HTTP has keys of two parts: whose key, and for which request.
CREATE INDEX answered_over_http ON answered_request (key) WHERE key >= 'http:' AND key < 'http;';

-- web -------------------------------------------------------------------------------------------------

CREATE TABLE api_key (            -- who may ask over HTTP, and as whom; the key itself is nowhere
    key_id      TEXT PRIMARY KEY,
    digest      BLOB NOT NULL UNIQUE,  -- SHA-256 of the key, which is random
    party       TEXT NOT NULL,         -- admin, operator:ICBC …; of a taxpayer its pseudonym
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;

CREATE TABLE webhook (            -- where a party is told of events; its secret is derived, and stands nowhere
    place        INTEGER PRIMARY KEY,  -- the order of writing
    webhook_id   TEXT    NOT NULL UNIQUE,
    party        TEXT    NOT NULL,     -- as of an API key
    key_id       TEXT    NOT NULL REFERENCES api_key (key_id),  -- the one that made it: it ends with it
    url          TEXT    NOT NULL,
    event_types  TEXT    NOT NULL,     -- JSON: a list
    created_at   INTEGER NOT NULL,     -- here and below real time, since receivers are real
    disabled_at  INTEGER,
    reason       TEXT CHECK ((reason IS NULL) = (disabled_at IS NULL))
) STRICT;

CREATE INDEX webhook_by_party ON webhook (party, place);

CREATE TABLE webhook_cursor (     -- how far a webhook was told what there is: see web/webhook_events.py
    webhook_id  TEXT    NOT NULL REFERENCES webhook (webhook_id),
    source      TEXT    NOT NULL,
    place       INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, source)
) STRICT;

CREATE TABLE webhook_delivery (   -- an event on its way to a webhook
    place            INTEGER PRIMARY KEY,  -- the order of writing
    webhook_id       TEXT    NOT NULL REFERENCES webhook (webhook_id),
    event_id         TEXT    NOT NULL UNIQUE,  -- the header webhook-id
    type             TEXT    NOT NULL,
    record           TEXT    NOT NULL,  -- the number of what it is about
    body             TEXT    NOT NULL,  -- as sent
    state            TEXT    NOT NULL,  -- waiting, delivered, failed, cancelled
    round            INTEGER NOT NULL DEFAULT 0,  -- attempts since it was told, or asked for again
    attempts         INTEGER NOT NULL DEFAULT 0,  -- all of them
    next_attempt_at  INTEGER CHECK ((next_attempt_at IS NOT NULL) = (state = 'waiting')),
    last_status      INTEGER,           -- of the last answer, where one came
    last_error       TEXT,              -- why there is none, or why it does not count
    told_at          INTEGER NOT NULL,
    ended_at         INTEGER
) STRICT;

CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook_id, place);
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at, webhook_id)
    WHERE next_attempt_at IS NOT NULL;

CREATE TABLE webhook_attempt (
    event_id      TEXT    NOT NULL REFERENCES webhook_delivery (event_id),
    number        INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    milliseconds  INTEGER NOT NULL,
    status        INTEGER,
    error         TEXT,
    PRIMARY KEY (event_id, number)
) STRICT;
