{{ clicksend.staged('mms_receipts', [
    ('receipt_id', 'receipt_id', 'text'),
    ('message_id', 'message_id', 'text'),
    ('reported_at', 'timestamp', 'time'),
    ('status_code', 'status_code', 'text'),
]) }}
