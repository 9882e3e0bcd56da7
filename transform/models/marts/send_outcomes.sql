select
    outcomes.outcome_id,
    outcomes.stream,
    outcomes.sink,
    outcomes.source_key,
    {{ clicksend.only_value('outcomes.source_key') }} as source_id,
    outcomes.campaign,
    outcomes.outcome,
    outcomes.reason,
    outcomes.message_id,
    case when outcomes.outcome <> 'sent' then outcomes.outcome else coalesce(messages.fate, 'not in history') end
        as what_became,
    case when outcomes.outcome = 'sent' then outcomes.price end as estimated,
    messages.price as billed,
    case when outcomes.outcome = 'sent' then messages.price - outcomes.price end as difference,
    coalesce(outcomes.currency, messages.currency) as currency,
    messages.due_at,
    messages.delivered_at,
    coalesce(messages.replies, 0) as replies,
    outcomes.created_at,
    outcomes.updated_at
from {{ ref('stg_outcomes') }} as outcomes
left join {{ ref('messages_enhanced') }} as messages
    on messages.outcome_id = outcomes.outcome_id
where {{ clicksend.is_sending_sink() }}
