with sent as (
    select
        recipient,
        fate,
        error_group,
        row_number() over (partition by recipient order by due_at desc, message_id desc) as place,
        count(*) over (partition by recipient) as times_sent,
        {{ clicksend.count_if("fate = 'delivered'") }} over (partition by recipient) as times_delivered
    from {{ ref('messages_enhanced') }}
    where direction = 'out' and went_out and recipient is not null
),

contacts as (
    select
        list_id,
        contact_id,
        list_name,
        phone_number,
        phone_number is not null as has_number,
        -- A hash may stand for anything.
        case
            when phone_number is null then false
            when {{ clicksend.legible('phone_number') }} is null then null
            else {{ clicksend.matches('phone_number', '^[+][1-9][0-9]{6,14}$') }}
        end as is_valid,
        phone_number is not null and count(*) over (partition by list_id, phone_number) > 1 as is_duplicate
    from {{ ref('stg_contacts') }}
)

select
    contacts.list_id,
    contacts.contact_id,
    contacts.list_name,
    contacts.has_number,
    contacts.is_valid,
    contacts.is_duplicate,
    opt_outs.number is not null as is_opted_out,
    sent.fate as last_fate,
    sent.error_group as last_error_group,
    coalesce(sent.times_sent, 0) as times_sent,
    coalesce(sent.times_delivered, 0) as times_delivered,
    coalesce(contacts.is_valid, contacts.has_number)
        and opt_outs.number is null
        and coalesce(sent.error_group, '') not in ('number', 'blocked') as is_reachable
from contacts
left join {{ ref('int_opt_outs') }} as opt_outs on opt_outs.number = contacts.phone_number
left join sent on sent.recipient = contacts.phone_number and sent.place = 1
