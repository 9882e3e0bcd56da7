{{ config(materialized='view') }}
-- Rates by day and channel. For any other grain add up the counts first: rates do not add up.
with days as (
    select
        day,
        channel,
        {%- for fate in clicksend.fates() %}
        cast(sum({{ fate }}) as {{ dbt.type_bigint() }}) as {{ fate }},
        {%- endfor %}
        cast(sum(settled_out) as {{ dbt.type_bigint() }}) as settled_out
    from {{ ref('deliverability_daily') }}
    group by day, channel
)

select
    day,
    channel,
    settled_out,
    pending = 0 and scheduled = 0 as is_settled,
    {{ clicksend.rate_columns('delivery_rate', 'delivered', 'settled_out') }},
    {{ clicksend.rate('delivered', '(delivered + undelivered)') }} as delivery_rate_reported,
    {{ clicksend.rate('(delivered + unconfirmed)', 'settled_out') }} as delivery_rate_at_most,
    {{ clicksend.rate('(delivered + undelivered)', 'settled_out') }} as report_coverage
from days
