{{ clicksend.staged('contacts', [
    ('list_id', 'list_id', 'integer'),
    ('contact_id', 'contact_id', 'integer'),
    ('phone_number', 'phone_number', 'text'),
    ('list_name', '_list_name', 'text'),
    ('added_at', 'date_added', 'time'),
    ('updated_at', 'date_updated', 'time'),
]) }}
