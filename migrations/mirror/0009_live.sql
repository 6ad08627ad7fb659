-- What a live entry says of its broadcast: kept on every look, for it begins and ends without an editor.
alter table entries add column is_live integer;
alter table entries add column recorded_entry text;
