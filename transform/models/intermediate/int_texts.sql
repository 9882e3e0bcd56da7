-- What is beyond GSM in the text of each SMS that was sent, and how long it is; without texts that the tap has hashed
-- or dropped. A table, since it takes long and is needed many times.
with texts as (
    select message_id, parts, {{ clicksend.legible('body') }} as body
    from {{ ref('int_messages') }}
    where channel = 'sms' and direction = 'out'
)

select
    message_id,
    parts,
    {{ clicksend.beyond_gsm('body') }} as beyond_gsm,
    body like '%{{ "\uFE0F" }}%' as has_selector,
    {{ clicksend.units_if_gsm('body') }} as units_if_gsm
from texts
where body is not null
