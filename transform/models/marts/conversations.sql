with received as (
    select message_id, channel, sent_at, sender, recipient, body
    from {{ ref('int_messages') }}
    where direction = 'in'
),

-- The history has every reply, the inbox those that nobody has read; one id is one reply.
inbound as (
    select
        coalesce(inbox.message_id, received.message_id) as message_id,
        coalesce(received.channel, 'sms') as channel,
        coalesce(inbox.received_at, received.sent_at) as received_at,
        coalesce(inbox.sender, received.sender) as sender,
        coalesce(inbox.receiver, received.recipient) as receiver,
        coalesce(inbox.body, received.body) as body,
        inbox.original_message_id
    from {{ ref('stg_sms_inbound') }} as inbox
    full outer join received on received.message_id = inbox.message_id
),

sent as (
    select channel, message_id, recipient, due_at, delivered_at
    from {{ ref('int_messages') }}
    where direction = 'out' and channel in ('sms', 'mms') and {{ clicksend.went_out() }}
),

-- Of a reply that names no message: which was the last one to its number.
moments as (
    select
        sender as number,
        received_at as moment,
        1 as is_reply,
        message_id,
        cast(null as {{ clicksend.type_time() }}) as due_at
    from inbound
    where original_message_id is null and sender is not null
    union all
    select recipient as number, due_at as moment, 0 as is_reply, message_id, due_at
    from sent
    where recipient is not null
),

-- A message and the replies until the next message to the number are a turn.
turns as (
    select
        *,
        sum(1 - is_reply) over (
            partition by number
            order by moment, is_reply, message_id desc
            rows between unbounded preceding and current row
        ) as turn
    from moments
),

answered as (
    select
        message_id,
        moment,
        is_reply,
        max(case when is_reply = 0 then message_id end) over (partition by number, turn) as last_message_id,
        max(due_at) over (partition by number, turn) as last_due_at
    from turns
),

guessed as (
    select message_id, last_message_id as reply_to
    from answered
    where
        is_reply = 1
        and {{ clicksend.seconds_between('last_due_at', 'moment') }} <= {{ var('reply_days') }} * 86400
),

attributed as (
    select
        inbound.*,
        coalesce(inbound.original_message_id, guessed.reply_to) as reply_to,
        case
            when inbound.original_message_id is not null then 'clicksend'
            when guessed.reply_to is not null then 'last message'
            else 'none'
        end as attribution,
        {{ clicksend.words_of(clicksend.legible('inbound.body')) }} as words
    from inbound
    left join guessed on guessed.message_id = inbound.message_id
)

select
    attributed.message_id,
    attributed.channel,
    attributed.received_at,
    attributed.sender,
    attributed.receiver,
    attributed.body,
    attributed.reply_to,
    attributed.attribution,
    campaigns.campaign,
    coalesce({{ clicksend.says_stop('attributed.words') }}, false) as is_opt_out,
    -- A network may report later than people answer.
    case
        when attributed.received_at >= coalesce(sent.delivered_at, sent.due_at)
        then {{ clicksend.seconds_between('coalesce(sent.delivered_at, sent.due_at)', 'attributed.received_at') }}
        when sent.message_id is not null then 0
    end as reply_seconds
from attributed
left join sent on sent.message_id = attributed.reply_to
left join {{ ref('int_campaigns') }} as campaigns
    on campaigns.message_id = sent.message_id and campaigns.channel = sent.channel
