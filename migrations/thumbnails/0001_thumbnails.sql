-- Image bytes, in a file of their own: they are large, can be fetched again, and need no place in a backup.

create table thumbnails (
    sha256       blob    not null primary key, -- of the bytes
    content_type text    not null,             -- recognised from the bytes, not from the answer's header
    size_bytes   integer not null,
    stored_at    integer not null,             -- milliseconds since 1970-01-01 UTC
    bytes        blob    not null
) strict;
