-- Reception: whose data this is, what was received, what must be looked at.
-- Times are milliseconds since 1970-01-01 UTC unless a column says otherwise.

-- The Kaltura accounts of this data directory. Every other table names them by account_id.
-- Written when the store is opened; a row is never removed, so an id never changes its meaning.
create table accounts (
    account_id  integer primary key,
    partner_id  integer not null unique,
    service_url text    not null,           -- where the account lives; the same partner id elsewhere is another account
    label       text    not null,           -- what people and public answers call it
    created_at  integer not null
) strict;

-- Counters, marks and facts that are no rows of their own. account_id 0 is the store as a whole.
--   tickets_reserved        tickets and claim tokens up to here may have been given out; the next start goes on above it
--   inbox_body_bytes        size of the bodies of verified requests, as far as counted
--   inbox_counted_to        the last request counted there
--   inbox_bodies_pruned_to  the last request whose body was forgotten
create table settings (
    account_id integer not null,
    name       text    not null,
    value      any     not null,
    primary key (account_id, name)
) strict, without rowid;

insert into settings (account_id, name, value) values (0, 'tickets_reserved', 0), (0, 'inbox_body_bytes', 0);

-- One HTTP request as it was received. A verified one is written in the transaction that makes its entries dirty.
create table inbox (
    inbox_id     integer primary key,
    received_at  integer not null,
    peer         text    not null,          -- the sender's address
    headers      text    not null,          -- JSON: the headers kept, [[name, value], …]
    verdict      text    not null,          -- 'verified' or 'rejected:<why>'
    lane         text    not null           -- whose room the body takes
                 check (lane in ('verified', 'repairable', 'other')),
    account_id   integer,                   -- null when no account could be told
    secret_label text,                      -- which secret signed it; null when none did
    body_bytes   integer not null,          -- size as received
    kept_bytes   integer not null,          -- size of the body kept here: 0 after pruning, less than body_bytes when cut
    body         blob                       -- last, so that the columns above are read without it
) strict;

-- Only rejected rows: keeps their sum and their eviction cheap, and costs a verified row nothing.
-- A statement must say lane <> 'verified' in these words for SQLite to use it.
create index inbox_rejected on inbox (lane, inbox_id, kept_bytes) where lane <> 'verified';

-- One notification inside a request.
create table inbox_items (
    inbox_id     integer not null,
    number       integer not null,          -- from 1, its place in the request
    account_id   integer not null,
    system       text    not null,          -- 'api' or 'event', the two senders of Kaltura
    kaltura_id   integer not null,          -- the notification's own id at Kaltura, the same in every retry
    kind         text    not null,
    entry_id     text,                      -- null when it speaks of no entry
    fields_hash  blob    not null,          -- SHA-256 of the item's own fields; with the ids, the dedupe key
    outcome      text    not null           -- 'hinted', 'duplicate' of an earlier item, or 'kept': of no use to the mirror
                 check (outcome in ('hinted', 'duplicate', 'kept')),
    repeats      integer not null default 0, -- how often the very same item came again
    repeated_at  integer,                   -- and when it did so last
    primary key (inbox_id, number)
) strict, without rowid;

-- Finds what a repetition repeats. Ids grow, so inserts stay at the end; an index on the hash would halve the rate.
create index inbox_items_by_kaltura_id on inbox_items (account_id, system, kaltura_id);

-- One entry that must be looked at, whatever the number of hints.
create table dirty_entries (
    account_id    integer not null,
    entry_id      text    not null,
    ticket        integer not null,         -- of the latest hint; a look settles the row only if it is still the one claimed
    state         text    not null check (state in ('waiting', 'leased', 'dead')),
    lane          integer not null,         -- 0 live, 1 repair, 2 backfill: the most urgent of its hints
    due_at        integer not null,         -- not to be claimed before
    token         integer,                  -- of the claim that holds it; null unless leased
    lease_ends_at integer,                  -- from then on it may be claimed by another; null unless leased
    attempts      integer not null default 0, -- failed looks since the last success
    resync_step   integer not null default 0, -- how often the pause between looks has doubled while hints kept coming
    reasons       integer not null,         -- set of bits, see Reason: why it must be looked at
    hinted_at     integer not null,         -- the first hint the next look answers
    last_hint_at  integer not null,
    fresh_reasons integer not null default 0, -- of the hints since the claim
    fresh_hint_at integer,                  -- the first hint since the claim
    last_error    text,
    primary key (account_id, entry_id)
) strict, without rowid;

create index dirty_entries_due on dirty_entries (lane, due_at) where state = 'waiting';
create index dirty_entries_leased on dirty_entries (lease_ends_at) where state = 'leased';
