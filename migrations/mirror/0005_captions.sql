-- What is said in captions. The tracks themselves are in assets, with the other parts of an entry's content.
-- Times are milliseconds since 1970-01-01 UTC, unless they say where in the video they are.

-- The text of one track of a mirrored entry: which version of the file is wanted, which one the cues are of.
create table caption_texts (
    row_id         integer not null,            -- as in entry_sync
    caption_id     text    not null,
    account_id     integer not null,
    wanted_version text,                        -- Kaltura's; null when the file is not to be read
    state          text    not null             -- 'waiting' to be fetched, 'leased' to whoever fetches it, 'kept', or
                                                -- 'none': there is nothing to be read from this version
                   check (state in ('waiting', 'leased', 'kept', 'none')),
    due_at         integer,                     -- to be fetched from then on; null when there is nothing to fetch
    attempts       integer not null default 0,  -- failed ones for the wanted version
    note           text,                        -- why there is no text, or not yet, or what is odd about it
    version        text,                        -- of the cues kept; null without
    cues           integer not null default 0,  -- how many are kept
    fingerprint    blob,                        -- SHA-256 of them; part of the entry's public answer
    stored_at      integer,
    primary key (row_id, caption_id)
) strict, without rowid;

create index caption_texts_due on caption_texts (account_id, due_at) where due_at is not null;

-- One stretch of time and what is said in it. Replaced together, a track at a time.
create table caption_cues (
    row_id     integer not null,
    caption_id text    not null,
    number     integer not null,                -- from 1, in the order of their start
    start_ms   integer not null,                -- in the video
    end_ms     integer not null,                -- never before start_ms
    text       text    not null,                -- without markup
    primary key (row_id, caption_id, number)
) strict, without rowid;
