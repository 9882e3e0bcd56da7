-- How the text of each SMS that was sent is encoded, and what its characters beyond GSM cost.
{% set few = var('few_characters') %}

with rest_0 as (
    select
        message_id,
        parts,
        case when beyond_gsm = '' and not has_selector then 'gsm' else 'unicode' end as encoding,
        case when units_if_gsm <= 160 then 1 else cast(ceil(units_if_gsm / 153.0) as {{ dbt.type_bigint() }}) end
            as parts_if_gsm,
        beyond_gsm as rest_0
    from {{ ref('int_texts') }}
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
{%- endfor %}

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
from rest_{{ few }}
