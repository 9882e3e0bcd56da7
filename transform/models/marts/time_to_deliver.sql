{% set limits = [('10s', 10), ('1min', 60), ('5min', 300), ('30min', 1800), ('4h', 14400), ('24h', 86400), ('72h', 259200)] %}

with weeks as (
    select
        cast({{ dbt.date_trunc('week', clicksend.day_of('due_at')) }} as date) as week,
        channel,
        country,
        carrier,
        fate,
        seconds_to_receipt as seconds
    from {{ ref('messages_enhanced') }}
    where direction = 'out' and {{ clicksend.is_settled_out() }}
)

select
    week,
    channel,
    country,
    carrier,
    count(*) as settled_out,
    {{ clicksend.count_if("fate = 'delivered'") }} as delivered,
    count(seconds) as timed,
    {{ clicksend.percentile('seconds', 0.5) }} as p50_seconds,
    {{ clicksend.percentile('seconds', 0.9) }} as p90_seconds,
    {{ clicksend.percentile('seconds', 0.99) }} as p99_seconds,
    {%- for name, limit in limits %}
    {%- if loop.first %}
    {{ clicksend.count_if("seconds <= " ~ limit) }} as within_{{ name }},
    {%- else %}
    {{ clicksend.count_if("seconds > " ~ limits[loop.index0 - 1][1] ~ " and seconds <= " ~ limit) }} as within_{{ name }},
    {%- endif %}
    {%- endfor %}
    {{ clicksend.count_if("seconds > " ~ limits[-1][1]) }} as later,
    {{ clicksend.count_if("fate = 'delivered' and seconds is null") }} as without_receipt
from weeks
group by week, channel, country, carrier
