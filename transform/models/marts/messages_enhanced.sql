with replies as (
    select reply_to as message_id, count(*) as replies, min(received_at) as first_reply_at
    from {{ ref('conversations') }}
    where reply_to is not null
    group by reply_to
),

currencies as (
    select user_id, {{ clicksend.json_text('currency', 'currency_name_short') }} as currency
    from {{ ref('stg_account') }}
),

-- Of messages that name no account: where all accounts have one currency.
only_currency as (
    select case when count(distinct currency) = 1 then min(currency) end as currency
    from currencies
)

select
    messages.channel,
    messages.message_id,
    messages.direction,
    messages.sent_at,
    messages.due_at,
    messages.recipient,
    messages.sender,
    messages.country,
    countries.country_name,
    messages.carrier,
    messages.status,
    messages.status_code,
    messages.status_text,
    messages.error_code,
    messages.error_text,
    case when messages.fate = 'undelivered' then coalesce(groups.error_group, 'unknown') end as error_group,
    messages.fate,
    {{ clicksend.went_out('messages.fate') }} as went_out,
    {{ clicksend.is_settled('messages.fate') }} as is_settled,
    texts.encoding,
    messages.parts,
    texts.parts_if_gsm,
    texts.parts_wasted,
    messages.price,
    cast({{ clicksend.cost('messages.price', 'messages.fate') }} as {{ clicksend.type_money() }}) as cost,
    coalesce(currencies.currency, only_currency.currency) as currency,
    campaigns.campaign,
    campaigns.campaign_source,
    messages.list_id,
    lists.list_name,
    messages.contact_id,
    messages.delivered_at,
    {{ clicksend.seconds_between('messages.due_at', 'messages.delivered_at') }} as seconds_to_receipt,
    messages.receipts,
    coalesce(replies.replies, 0) as replies,
    replies.first_reply_at,
    campaigns.outcome_id
from {{ ref('int_messages') }} as messages
left join {{ ref('int_campaigns') }} as campaigns
    on campaigns.channel = messages.channel and campaigns.message_id = messages.message_id
left join {{ ref('int_encodings') }} as texts
    on texts.message_id = messages.message_id and messages.channel = 'sms'
left join replies on replies.message_id = messages.message_id and messages.direction = 'out'
left join {{ ref('error_groups') }} as groups on lower(groups.status_text) = lower(messages.status_text)
left join {{ ref('stg_countries') }} as countries on countries.country = messages.country
left join {{ ref('stg_lists') }} as lists on lists.list_id = messages.list_id
left join currencies on currencies.user_id = messages.user_id
cross join only_currency
