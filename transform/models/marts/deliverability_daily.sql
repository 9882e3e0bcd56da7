select
    {{ clicksend.day_of('due_at') }} as day,
    channel,
    country,
    carrier,
    sender,
    currency,
    count(*) as messages,
    {{ clicksend.count_fates() }},
    coalesce(cast(sum(case when went_out then parts end) as {{ dbt.type_bigint() }}), 0) as parts,
    cast(sum(cost) as {{ clicksend.type_money() }}) as cost
from {{ ref('messages_enhanced') }}
where direction = 'out'
group by 1, 2, 3, 4, 5, 6
