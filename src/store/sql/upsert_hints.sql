insert into dirty_entries
    (account_id, entry_id, ticket, state, lane, due_at, resync_step, reasons, hinted_at, last_hint_at,
     fresh_reasons, fresh_hint_at)
select value ->> 0, value ->> 1, ?, 'waiting', value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, value ->> 5, value ->> 6
from jsonb_each(?)
where true
on conflict (account_id, entry_id) do update set
    ticket        = excluded.ticket,
    lane          = min(lane, excluded.lane),
    due_at        = case state when 'dead' then excluded.due_at else min(due_at, excluded.due_at) end,
    attempts      = case state when 'dead' then 0 else attempts end,
    state         = case state when 'dead' then 'waiting' else state end,
    reasons       = reasons | excluded.reasons,
    last_hint_at  = max(last_hint_at, excluded.last_hint_at),
    fresh_reasons = fresh_reasons | excluded.reasons,
    fresh_hint_at = coalesce(fresh_hint_at, excluded.fresh_hint_at)
