-- How the text of each SMS that was sent is encoded, and what its characters beyond GSM cost. Without texts that the
-- tap has hashed or dropped.
{% set few = var('few_characters') %}

with texts as (
    select message_id, parts, {{ clicksend.legible('body') }} as body
    from {{ ref('int_messages') }}
    where channel = 'sms' and direction = 'out'
),

rest_0 as (
    select message_id, parts, body, {{ clicksend.beyond_gsm('body') }} as rest_0
    from texts
    where body is not null
)

{#- Take away one character after the other: if few are enough, nothing is left. -#}
{%- for number in range(few) %},

rest_{{ number + 1 }} as (
    select
        *,
        nullif(substring(rest_{{ number }}, 1, 1), '') as character_{{ number + 1 }},
        replace(rest_{{ number }}, substring(rest_{{ number }}, 1, 1), '') as rest_{{ number + 1 }}
    from rest_{{ number }}
)
{%- endfor %},

measured as (
    select
        *,
        case when rest_0 <> '' or body like '%{{ "\uFE0F" }}%' then 'unicode' else 'gsm' end as encoding,
        {{ clicksend.parts_if_gsm('body') }} as parts_if_gsm
    from rest_{{ few }}
)

select
    message_id,
    encoding,
    parts_if_gsm,
    case
        when encoding = 'unicode' and rest_{{ few }} = '' and parts > parts_if_gsm then parts - parts_if_gsm else 0
    end as parts_wasted
    {%- for number in range(few) %},
    character_{{ number + 1 }}
    {%- endfor %}
from measured
