{{ clicksend.staged('lists', [
    ('list_id', 'list_id', 'integer'),
    ('list_name', 'list_name', 'text'),
    ('contacts_count', '_contacts_count', 'integer'),
]) }}
