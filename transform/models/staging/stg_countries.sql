{{ clicksend.staged('countries', [
    ('country', 'code', 'text'),
    ('country_name', 'value', 'text'),
]) }}
