-- Event notifications: some have no number, some ask for more than a look at an entry.
-- Times are milliseconds since 1970-01-01 UTC.

-- inbox_items once more, for what SQLite cannot alter: kaltura_id may be null, an outcome is new, and so is a column.
create table inbox_items_with_events (
    inbox_id     integer not null,
    number       integer not null,          -- from 1, its place in the request
    account_id   integer not null,
    system       text    not null,          -- 'api' or 'event', the two senders of Kaltura
    kaltura_id   integer,                   -- the notification's own id at Kaltura, the same in every retry; null for an
                                            -- event that has none, which is then never a duplicate
    kind         text    not null,
    entry_id     text,                      -- null when it speaks of no entry
    fields_hash  blob    not null,          -- SHA-256 of the item's own fields; with the ids, the dedupe key
    outcome      text    not null           -- 'hinted', 'duplicate' of an earlier item, 'asked' of the account as a whole,
                                            -- or 'kept': of no use to the mirror
                 check (outcome in ('hinted', 'duplicate', 'asked', 'kept')),
    repeats      integer not null default 0, -- how often the very same item came again
    repeated_at  integer,                   -- and when it did so last
    asks         text,                      -- what it asks of the account, in words: 'sweep', 'policy', 'category:10';
                                            -- null when it asks for nothing but its entry
    primary key (inbox_id, number)
) strict, without rowid;

insert into inbox_items_with_events
    (inbox_id, number, account_id, system, kaltura_id, kind, entry_id, fields_hash, outcome, repeats, repeated_at)
select inbox_id, number, account_id, system, kaltura_id, kind, entry_id, fields_hash, outcome, repeats, repeated_at
from inbox_items;

drop table inbox_items;
alter table inbox_items_with_events rename to inbox_items;

-- Finds what a repetition repeats. Ids grow, so inserts stay at the end; an index on the hash would halve the rate.
create index inbox_items_by_kaltura_id on inbox_items (account_id, system, kaltura_id);

-- One thing that must be done about an account as a whole, whatever the number of events that asked for it.
-- Written in the transaction that accepts the event; deleted by whoever has done it.
create table account_asks (
    account_id integer not null,
    ask        text    not null             -- 'policy': read it again; 'sweep': find what changed lately;
                                            -- 'category': look at its entries
               check (ask in ('policy', 'sweep', 'category')),
    object     text    not null,            -- the category's id; '' for the others
    asked_at   integer not null,            -- the first event that nobody has answered
    ticket     integer not null,            -- of the latest event; answered only if it is still the one that was read
    primary key (account_id, ask, object)
) strict, without rowid;

-- When each secret last signed a notification. The process knows better; this is what it remembers from earlier runs,
-- some minutes behind.
create table secrets_seen (
    account_id   integer not null,
    secret_label text    not null,
    system       text    not null,          -- 'api' or 'event'
    seen_at      integer not null,
    primary key (account_id, secret_label, system)
) strict, without rowid;
