insert into inbox_items
    (inbox_id, number, account_id, system, kaltura_id, kind, entry_id, outcome, fields_hash)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
       substr(?, 1 + 32 * key, 32)
from jsonb_each(?)
