-- Every message of every channel, when it was due, and what became of it.
{% set columns = [
    'sent_at', 'schedule', 'recipient', 'sender', 'body', 'status', 'status_code', 'status_text', 'parts', 'price',
    'custom_string', 'country', 'carrier', 'list_id', 'user_id',
] | join(', ') %}

with histories as (
    select 'sms' as channel, message_id, direction, error_code, error_text, contact_id, {{ columns }}
    from {{ ref('stg_sms_history') }}
    union all
    select 'mms' as channel, message_id, direction, error_code, error_text, contact_id, {{ columns }}
    from {{ ref('stg_mms_history') }}
    union all
    select
        'voice' as channel,
        message_id,
        'out' as direction,
        cast(null as {{ dbt.type_string() }}) as error_code,
        cast(null as {{ dbt.type_string() }}) as error_text,
        cast(null as {{ dbt.type_bigint() }}) as contact_id,
        {{ columns }}
    from {{ ref('stg_voice_history') }}
),

reports as (
    {%- for channel in ['sms', 'mms', 'voice'] %}
    select '{{ channel }}' as channel, message_id, reported_at, status_code from {{ ref('stg_' ~ channel ~ '_receipts') }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

-- A message has up to three receipts: joined as they are they would multiply its price.
receipts as (
    select
        channel,
        message_id,
        count(*) as receipts,
        min(case when status_code = '201' or (channel = 'mms' and status_code = 'Completed') then reported_at end)
            as first_delivered_at
    from reports
    group by channel, message_id
),

due as (
    select
        histories.*,
        case when schedule > sent_at then schedule else sent_at end as due_at,
        as_of.as_of
    from histories
    cross join {{ ref('as_of') }} as as_of
),

fated as (
    select due.*, {{ clicksend.fate() }} as fate
    from due
)

select
    fated.*,
    coalesce(receipts.receipts, 0) as receipts,
    case when fate = 'delivered' then receipts.first_delivered_at end as delivered_at
from fated
left join receipts on receipts.channel = fated.channel and receipts.message_id = fated.message_id
