-- The outbox: what hooks are to be told, written in the transaction of what it tells.
-- Times are milliseconds since 1970-01-01 UTC.

-- Names this data directory in the ids of deliveries: two daemons that tell one website never use the same id.
insert into settings (account_id, name, value) values (0, 'outbox_name', lower(hex(randomblob(4))));

-- A hook as the configuration last named it. Rows stay: deliveries and what was told refer to them.
create table hooks (
    hook_id      integer primary key,
    name         text    not null unique,
    events       text    not null,          -- JSON: [word, …] it is told; ["forward"] of one that gets raw requests
    audience     text    not null           -- whether it hears of withheld entries
                 check (audience in ('public', 'all')),
    required     integer not null           -- the mark waits for its entry.synced
                 check (required in (0, 1)),
    configured   integer not null           -- 0 since the configuration no longer names it
                 check (configured in (0, 1)),
    disabled_at  integer,                   -- nothing is handed out for it since then; null while it is enabled
    disabled_why text,
    delivered    integer not null default 0 -- deliveries that went well, those forgotten since included
) strict;

-- One delivery: one thing that one hook is to be told.
create table deliveries (
    delivery_id   integer primary key autoincrement, -- the number in its id, never used again
    hook_id       integer not null,
    account_id    integer not null,
    row_id        integer,                  -- the entry, as in entry_sync; null when it is about none
    event         text    not null,         -- a word of domain::hook, 'forward' or 'test'
    cause         text,                     -- a word of the feed; null unless it is an event
    resync        integer not null default 0 check (resync in (0, 1)),
    seq           integer,                  -- the entry's latest row in changes when it happened
    sync_number   integer,                  -- of entry.synced: which sync of the entry it tells, as in entry_sync
    inbox_id      integer,                  -- the request to forward: its body stays in the inbox
    at            integer not null,         -- when it happened
    state         text    not null check (state in ('waiting', 'leased', 'delivered', 'dead', 'skipped', 'discarded')),
    due_at        integer,                  -- waiting, and not to be handed out before; null while an older one of the
                                            -- same hook and entry is open, and in every other state
    token         integer,                  -- of the claim that holds it; null unless leased
    lease_ends_at integer,                  -- null unless leased
    attempts      integer not null default 0, -- since it was written, or tried again by hand
    finished_at   integer,                  -- null while it is open: waiting or leased
    note          text                      -- what the latest attempt said, or why it was not handed out
) strict;

create index deliveries_due on deliveries (hook_id, due_at) where due_at is not null;
create index deliveries_leased on deliveries (hook_id, lease_ends_at) where lease_ends_at is not null;
-- The order of one entry's deliveries, and what a mark waits for.
create index deliveries_of_entry on deliveries (row_id, hook_id, delivery_id) where row_id is not null;
create index deliveries_open on deliveries (row_id, hook_id, delivery_id) where finished_at is null;
-- What people are shown of each hook. A statement must name the states in these words for SQLite to use it.
create index deliveries_to_show on deliveries (hook_id, state, at) where state in ('waiting', 'leased', 'dead');
create index deliveries_finished on deliveries (finished_at) where finished_at is not null;

-- One attempt at a delivery; the latest ones of each.
create table delivery_attempts (
    delivery_id integer not null,
    number      integer not null,           -- from 1, grows for ever
    at          integer not null,           -- when it began
    took_ms     integer not null,
    status      integer,                    -- HTTP status or exit code; null without an answer
    detail      text    not null,           -- for people; never a secret or a whole URL
    primary key (delivery_id, number)
) strict, without rowid;

-- The entries a hook may have heard of: handed out with the entry in it, and no removal delivered since.
create table hook_told (
    hook_id integer not null,
    row_id  integer not null,
    primary key (hook_id, row_id)
) strict, without rowid;

-- How often a sync of the entry was told: deliveries of the latest one are those a mark waits for.
alter table entry_sync add column sync_number integer not null default 0;
-- The metadata version whose mark waits for required hooks; null when none does.
alter table entry_sync add column awaited_version integer;
-- The version that our write-back of sync_failed_value made: while it stands, the sync is still wanted.
alter table entry_sync add column failed_version integer;

create index entry_sync_awaiting on entry_sync (row_id) where awaited_version is not null;
