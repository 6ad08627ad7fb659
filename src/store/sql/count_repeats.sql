update inbox_items
set repeats = repeats + (again.value ->> 2), repeated_at = again.value ->> 3
from jsonb_each(?) as again
where inbox_id = again.value ->> 0 and number = again.value ->> 1
