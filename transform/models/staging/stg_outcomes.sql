{{ clicksend.staged('outcomes', [
    ('outcome_id', 'outcome_id', 'text'),
    ('stream', 'stream', 'text'),
    ('sink', 'sink', 'text'),
    ('source_key', 'source_key', 'json'),
    ('outcome', 'outcome', 'text'),
    ('reason', 'reason', 'text'),
    ('message_id', 'message_id', 'text'),
    ('price', 'price', 'money'),
    ('currency', 'currency', 'text'),
    ('campaign', 'campaign', 'text'),
    ('created_at', 'created_at', 'time'),
    ('updated_at', 'updated_at', 'time'),
]) }}
