{{ clicksend.staged('account', [
    ('user_id', 'user_id', 'integer'),
    ('balance', 'balance', 'money'),
    ('currency', '_currency', 'json'),
]) }}
