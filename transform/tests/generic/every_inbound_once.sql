{#- Every reply of inbox and history is a conversation. -#}
{% test every_inbound_once(model) %}
with inbound as (
    select message_id from {{ ref('stg_sms_inbound') }}
    union
    select message_id from {{ ref('int_messages') }} where direction = 'in'
)

select coalesce(inbound.message_id, model.message_id) as message_id
from inbound
full outer join {{ model }} as model on model.message_id = inbound.message_id
where inbound.message_id is null or model.message_id is null
{% endtest %}
