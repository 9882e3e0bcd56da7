with reached as (
    select coalesce(campaign, 'none') as campaign, count(distinct recipient) as recipients
    from {{ ref('messages_enhanced') }}
    where direction = 'out' and fate = 'delivered'
    group by 1
),

stops as (
    select
        coalesce(campaign, 'none') as campaign,
        row_number() over (partition by sender order by received_at, message_id) as place
    from {{ ref('conversations') }}
    where is_opt_out and sender is not null
),

first_stops as (
    select campaign, count(*) as opt_outs
    from stops
    where place = 1
    group by campaign
),

campaigns as (
    select
        coalesce(reached.campaign, first_stops.campaign) as campaign,
        coalesce(reached.recipients, 0) as recipients,
        coalesce(first_stops.opt_outs, 0) as opt_outs
    from reached
    full outer join first_stops on first_stops.campaign = reached.campaign
)

select
    campaign,
    recipients,
    opt_outs,
    {{ clicksend.rate_columns('opt_out_rate', 'opt_outs', 'recipients') }}
from campaigns
