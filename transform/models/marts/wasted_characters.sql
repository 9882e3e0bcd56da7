-- A message with two such characters counts for both: never add the rows up.
with wasted as (
    {%- for number in range(1, var('few_characters') + 1) %}
    select character_{{ number }} as character, message_id
    from {{ ref('int_encodings') }}
    where character_{{ number }} is not null and parts_wasted > 0
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        wasted.character,
        messages.currency,
        count(*) as messages,
        cast(sum(messages.parts_wasted) as {{ dbt.type_bigint() }}) as parts,
        cast(sum(messages.cost * messages.parts_wasted / messages.parts) as {{ clicksend.type_money() }}) as cost
    from wasted
    inner join {{ ref('messages_enhanced') }} as messages
        on messages.message_id = wasted.message_id and messages.channel = 'sms' and messages.went_out
    group by wasted.character, messages.currency
)

select
    counted.character,
    {{ clicksend.unicode_notation('counted.character') }} as code_point,
    names.name,
    counted.currency,
    counted.messages,
    counted.parts,
    counted.cost
from counted
left join {{ ref('character_names') }} as names
    on names.code_point = {{ clicksend.unicode_notation('counted.character') }}
