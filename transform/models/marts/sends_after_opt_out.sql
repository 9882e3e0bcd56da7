select
    messages.channel,
    messages.message_id,
    messages.recipient,
    messages.due_at,
    opt_outs.opted_out_at,
    {{ clicksend.seconds_between('opt_outs.opted_out_at', 'messages.due_at') }} as seconds_after,
    messages.campaign,
    messages.fate,
    messages.outcome_id is not null as ours,
    messages.cost,
    messages.currency
from {{ ref('messages_enhanced') }} as messages
inner join {{ ref('int_opt_outs') }} as opt_outs on opt_outs.number = messages.recipient
where messages.direction = 'out' and messages.went_out and messages.due_at > opt_outs.opted_out_at
