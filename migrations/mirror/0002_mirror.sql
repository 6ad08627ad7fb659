-- The mirror: what is known of each entry, what visitors may see of it, and the sequence of what they saw change.
-- Times are milliseconds since 1970-01-01 UTC; columns that repeat a time of Kaltura's say "seconds".

-- Everything we know of an entry that is not Kaltura's content: one row for each entry ever looked at or hidden, in
-- the mirror or not. It gives the entry its row_id, by which all other tables name it: a number that grows, so that a
-- backfill of a million entries writes at the end of every table, and not all over it.
create table entry_sync (
    row_id               integer primary key,
    account_id           integer not null,
    entry_id             text    not null,
    -- the latest look
    looked_at            integer,           -- when it began; null: never looked at
    seen_at              integer,           -- when the latest look began that found the entry
    updated_at           integer,           -- Kaltura's updatedAt as that look found it, seconds
    decision             text,              -- 'nothing', 'fill' or 'sync'
    reason               text,              -- the word of domain::decide that goes with it
    field_value          text,              -- the sync field; '' when the object has none, null without an object
    metadata_id          integer,           -- the object that has the field
    metadata_version     integer,           -- its version in that look
    -- what we did
    synced_at            integer,           -- content last came in
    emitted_version      integer,           -- the metadata version whose sync was last told as entry.synced
    marked_at            integer,           -- our latest write-back
    marked_version       integer,           -- and the version it made
    pending_mark_xml     text,              -- a write-back that was about to be sent; null once its outcome is known
    pending_mark_version integer,           -- the version it was based on; null for a new object
    error                text,              -- why the latest attempt failed; null after a success
    error_at             integer,
    hidden_at            integer,           -- hidden by hand since then; holds until a person unhides it
    unique (account_id, entry_id)
) strict;

-- Finds a witness: an entry that was seen lately.
create index entry_sync_seen on entry_sync (account_id, seen_at) where seen_at is not null;

-- One mirrored entry: what is queried and judged. The object itself lies in entry_objects, so that these rows stay
-- small and a pass over all of them stays cheap.
create table entries (
    row_id              integer primary key,    -- as in entry_sync
    account_id          integer not null,
    entry_id            text    not null,
    -- content: changes only when the sync decision says so
    name                text    not null,
    description         text    not null,
    tags                text    not null,       -- JSON: [text, …]
    kind                text    not null,       -- Kaltura's type
    media_type          integer,
    created_at          integer not null,       -- seconds
    updated_at          integer not null,       -- seconds, of the content kept here
    reference_id        text,
    duration_s          integer,
    duration_ms         integer,
    width               integer,                -- pixels
    height              integer,
    plays               integer not null,
    views               integer not null,
    content_fingerprint blob    not null,
    -- visibility facts: stored on every look, in every mode
    status              text    not null,       -- a number, or a plugin's text
    moderation          integer,
    display_in_search   integer,
    start_date          integer,                -- seconds
    end_date            integer,                -- seconds
    access_control      integer,                -- null counts as unknown, which counts as restricted
    replaced_entry      text,
    filtered            integer not null check (filtered in (0, 1)), -- left out by [mirror] filter
    -- absence
    missing_since       integer,                -- an answer lacked it; null when it was last seen
    removed_at          integer,                -- a second look confirmed it: a tombstone, its content kept until the purge
    -- what visitors see; written only together with the row in changes
    public_state        text,                   -- 'public' or 'withheld:<why>,…'; null only until it is first judged
    public_fingerprint  blob,                   -- of the public answer; null while withheld
    seq                 integer not null default 0 -- its latest row in changes; 0 for none
) strict;

-- Pages of what is public, in the order entries came into the mirror.
create index entries_public on entries (account_id, row_id) where public_state = 'public';
-- What the brake counts and the purge collects: few rows, on a good day none.
create index entries_missing on entries (account_id, missing_since) where missing_since is not null;
create index entries_removed on entries (removed_at) where removed_at is not null;
-- What the clock will show or hide.
create index entries_start on entries (start_date) where start_date is not null;
create index entries_end on entries (end_date) where end_date is not null;
-- What a changed policy touches.
create index entries_access_control on entries (account_id, access_control);

-- The entry as the API told of it, every member included.
create table entry_objects (
    row_id integer primary key,
    object text not null                        -- JSON
) strict;

-- Custom metadata of mirrored entries, one object per profile.
create table custom_metadata (
    row_id      integer not null,
    profile_id  integer not null,
    metadata_id integer not null,
    version     integer not null,
    fields      text    not null,               -- JSON: {field: [text, …]}
    xml         text    not null,               -- byte for byte; after a mark, what we sent
    primary key (row_id, profile_id)
) strict, without rowid;

-- Renditions and subtitles of mirrored entries. Delivery URLs are not kept: they expire.
create table assets (
    row_id           integer not null,
    kind             text    not null check (kind in ('flavor', 'caption')),
    asset_id         text    not null,
    status           text    not null,
    width            integer,                   -- pixels
    height           integer,
    bitrate_kbps     integer,
    container_format text,
    language         text,                      -- of a caption
    label            text,
    object           text    not null,          -- JSON, as it came
    primary key (row_id, kind, asset_id)
) strict, without rowid;

-- The categories a mirrored entry is in: visibility facts, stored on every look.
create table entry_categories (
    row_id      integer not null,
    account_id  integer not null,
    category_id integer not null,
    status      integer not null,               -- 1 pending, 2 active, 3 deleted, 4 rejected
    primary key (row_id, category_id)
) strict, without rowid;

create index entry_categories_of on entry_categories (account_id, category_id);

-- What the policy needs to know of the account; replaced as a whole when Kaltura's answer differs.
create table access_control_profiles (
    account_id integer not null,
    profile_id integer not null,
    name       text    not null,
    has_rules  integer not null check (has_rules in (0, 1)),
    primary key (account_id, profile_id)
) strict, without rowid;

create table categories (
    account_id       integer not null,
    category_id      integer not null,
    full_name        text    not null,
    privacy_contexts text    not null,          -- JSON: [text, …], own and inherited
    primary key (account_id, category_id)
) strict, without rowid;

create table metadata_profiles (
    account_id  integer not null,
    profile_id  integer not null,
    name        text    not null,
    system_name text,
    version     integer not null,
    status      integer not null,               -- 1 active, 2 deprecated, 3 transforming
    object_type text    not null,
    xsd         text    not null,
    primary key (account_id, profile_id)
) strict, without rowid;

-- The picture of a mirrored entry: which version is wanted, which is kept. The bytes are in thumbnails.db: they are
-- written first and this row after them, so that a row may lose its bytes (it is then wanted again) but never wait for them.
create table entry_thumbnails (
    row_id         integer primary key,
    account_id     integer not null,
    wanted_version text,                        -- Kaltura's; null when the entry has no picture
    due_at         integer,                     -- to be fetched from then on; null when there is nothing to fetch
    attempts       integer not null default 0,  -- failed ones for the wanted version
    note           text,                        -- why there is no picture, or not yet
    version        text,                        -- of the bytes kept; null without
    sha256         blob,                        -- names them in thumbnails.db
    content_type   text,
    width          integer,                     -- pixels
    height         integer,
    size_bytes     integer,
    stored_at      integer
) strict;

create index entry_thumbnails_due on entry_thumbnails (account_id, due_at) where due_at is not null;
create index entry_thumbnails_bytes on entry_thumbnails (sha256) where sha256 is not null;

-- The sequence of what visitors saw change. Append-only; numbers are never used again, also after pruning.
create table changes (
    seq         integer primary key autoincrement,
    account_id  integer not null,
    entry_id    text    not null,
    op          text    not null check (op in ('put', 'drop')),
    cause       text    not null,               -- a word of the feed
    origin      text    not null,               -- who brought it about: hint, catalogue, person, policy, clock, worker
    fingerprint blob,                           -- of the public answer; null for a drop
    at          integer not null
) strict;

-- What happened to an entry, for `entry explain`: the latest ones of each entry, and none older than the retention.
create table entry_events (
    row_id integer not null,
    number integer not null,                    -- from 1, grows for ever
    at     integer not null,
    kind   text    not null,
    detail text    not null,                    -- for people; never a secret, a session or a whole URL
    seq    integer,                             -- the row in changes that goes with it
    primary key (row_id, number)
) strict, without rowid;

create index entry_events_at on entry_events (at);

-- Settings this file's statements keep, per account:
--   publish_rules           JSON: what [publish] allows, as the last evaluation knew it
--   policy_pending          JSON: entries that a changed policy has yet to re-evaluate; absent when none
--   visibility_done_until   every start and end date up to this moment has been turned into a change
--   removal_brake           since when removal by absence is stopped; absent while it is not
--   removal_confirmed_until a person has confirmed a mass removal: the brake holds still until then
