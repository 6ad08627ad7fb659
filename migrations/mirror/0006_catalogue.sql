-- Reading an account's catalogue as a whole: how far each reading is, and which entries it has met.
-- Times are milliseconds since 1970-01-01 UTC.

-- One reading of the whole catalogue. Written by whoever asked for it, then by its reader, a page at a time.
create table catalogue_runs (
    run_id     integer primary key autoincrement,   -- also the generation of the entries it meets
    account_id integer not null,
    kind       text    not null check (kind in ('backfill', 'full')), -- 'full' also looks for what is gone
    state      text    not null             -- 'listing': pages are being read; 'unmet': entries that no page named are
                                            -- made dirty; 'done'; 'stopped': by a person, or because its lists could
                                            -- not be believed
               check (state in ('listing', 'unmet', 'done', 'stopped')),
    mark       integer not null check (mark in (0, 1)),   -- entries whose sync field says nothing are marked, too
    tell       integer not null check (tell in (0, 1)),   -- hooks are told of what comes in
    started_at integer not null,
    listed_at  integer,                     -- the last page was read
    ended_at   integer,
    pages      integer not null default 0,  -- steps through windows
    seen       integer not null default 0,  -- entries met, each once
    dirty      integer not null default 0,  -- of them, made dirty
    unlisted   integer not null default 0,  -- entries that no list can show
    unmet      integer not null default 0,  -- mirrored entries that no page named, made dirty
    unmet_to   integer not null default 0,  -- mirrored entries up to this row_id have been compared
    error      text                         -- why the latest step failed; null after a success
) strict;

-- An account has at most one reading under way.
create unique index catalogue_runs_open on catalogue_runs (account_id) where state in ('listing', 'unmet');

-- A stretch of a list that a reading has yet to read, and how far it is: replaced in the transaction that keeps a page.
create table catalogue_windows (
    run_id integer not null,
    number integer not null,
    stretch text   not null,                -- JSON, the reader's own
    primary key (run_id, number)
) strict, without rowid;

-- The latest reading that met an entry. One small row for each, so that a night's reading rewrites little.
create table entry_met (
    row_id     integer primary key,         -- as in entry_sync
    generation integer not null             -- run_id of the reading
) strict;

-- Settings this file's statements keep, per account:
--   swept_at   up to when changes have been listed: the high-water mark of reconciling
