-- What [mirror] filter leaves out, and what a backfill selects.
-- Times are milliseconds since 1970-01-01 UTC.

-- Since when the filter leaves the entry out; null while it is let in. Its content is forgotten as long after it as a
-- tombstone's. Written together with `filtered`.
alter table entries add column filtered_at integer;
create index entries_filtered on entries (filtered_at) where filtered_at is not null;

-- The latest look found other content at Kaltura than is kept here, which only an editor's wish brings in: until then
-- what is kept does not tell whether the entry passes a filter.
alter table entries add column is_outdated integer not null default 0 check (is_outdated in (0, 1));

-- The entries a reading is about, in the language of filters; null for all.
alter table catalogue_runs add column selects text;

-- From now on entry_categories also has the categories of entries that the filter leaves out and that are not in the
-- mirror: a category that is renamed may let them in.

-- Settings this file's statements keep, per account:
--   mirror_filter          JSON: the filter that entries were last judged by, and what the metadata fields it names hold
--   mirror_filter_pending  JSON: entries that a changed filter has yet to judge anew; absent when none
