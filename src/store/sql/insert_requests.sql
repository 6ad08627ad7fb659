insert into inbox
    (inbox_id, received_at, peer, headers, verdict, lane, account_id, secret_label, body_bytes, kept_bytes, body)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'verified', 'verified', value ->> 4, value ->> 5,
       value ->> 6, value ->> 6, nullif(substr(?, 1 + (value ->> 7), value ->> 6), x'')
from jsonb_each(?)
