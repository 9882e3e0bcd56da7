-- The campaign of each message that was sent, who says so, and the row that it was sent for, if we sent it.
with ours as (
    select
        message_id,
        outcome_id,
        campaign,
        row_number() over (partition by message_id order by updated_at desc, outcome_id) as place
    from {{ ref('stg_outcomes') }}
    where message_id is not null and {{ clicksend.is_sending_sink() }}
),

named as (
    select custom_string, min(name) as campaign
    from {{ ref('stg_sms_campaigns') }}
    where custom_string is not null
    group by custom_string
),

-- order-12345 is one message, and sc-... is the target's own token.
shared as (
    select custom_string
    from {{ ref('int_messages') }}
    where direction = 'out' and custom_string not like 'sc-%'
    group by custom_string
    having count(*) >= {{ var('campaign_min_messages') }}
)

select
    messages.channel,
    messages.message_id,
    ours.outcome_id,
    coalesce(ours.campaign, named.campaign, shared.custom_string) as campaign,
    case
        when ours.campaign is not null then 'outcomes'
        when named.campaign is not null then 'sms_campaigns'
        when shared.custom_string is not null then 'custom_string'
    end as campaign_source
from {{ ref('int_messages') }} as messages
left join ours on ours.message_id = messages.message_id and ours.place = 1
left join named on named.custom_string = messages.custom_string
left join shared on shared.custom_string = messages.custom_string
where messages.direction = 'out'
