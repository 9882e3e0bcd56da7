{{ clicksend.staged('sms_inbound', [
    ('message_id', 'message_id', 'text'),
    ('received_at', 'timestamp', 'time'),
    ('sender', 'from', 'text'),
    ('receiver', 'to', 'text'),
    ('body', 'body', 'text'),
    ('original_message_id', 'original_message_id', 'text'),
]) }}
