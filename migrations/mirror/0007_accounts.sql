-- Each account has workers of its own, so that one whose Kaltura hangs holds up no other: what is due is found by account.
drop index dirty_entries_due;
create index dirty_entries_due on dirty_entries (account_id, lane, due_at) where state = 'waiting';
