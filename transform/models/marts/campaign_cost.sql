with messages as (
    select
        messages.*,
        outcomes.price as estimate,
        case when parts > 0 then cost * parts_wasted / parts end as cost_wasted
    from {{ ref('messages_enhanced') }} as messages
    left join {{ ref('stg_outcomes') }} as outcomes on outcomes.outcome_id = messages.outcome_id
    where direction = 'out'
)

select
    coalesce(campaign, 'none') as campaign,
    channel,
    currency,
    count(*) as messages,
    {{ clicksend.count_fates() }},
    count(distinct recipient) as recipients,
    cast(sum(cost) as {{ clicksend.type_money() }}) as cost,
    cast(sum(estimate) as {{ clicksend.type_money() }}) as estimated,
    cast(sum(case when fate = 'undelivered' then cost else 0 end) as {{ clicksend.type_money() }}) as cost_of_undelivered,
    cast(
        sum(cost) / nullif({{ clicksend.count_if("fate = 'delivered'") }}, 0) as {{ clicksend.type_money() }}
    ) as cost_per_delivered,
    coalesce(cast(sum(case when went_out then parts end) as {{ dbt.type_bigint() }}), 0) as parts,
    cast(sum(case when went_out then parts_wasted end) as {{ dbt.type_bigint() }}) as parts_wasted,
    cast(sum(cost_wasted) as {{ clicksend.type_money() }}) as cost_wasted,
    min(due_at) as first_due_at,
    max(due_at) as last_due_at
from messages
group by 1, 2, 3
