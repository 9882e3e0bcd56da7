{{ clicksend.staged('sms_campaigns', [
    ('sms_campaign_id', 'sms_campaign_id', 'integer'),
    ('name', 'name', 'text'),
    ('custom_string', 'custom_string', 'text'),
]) }}
