{#- What became of a message: the first that fits, so every message has exactly one.

    The relation has direction, channel, status, status_code, parts, schedule, due_at and as_of.
-#}
{% macro fate() %}
case
    when direction = 'in' then 'received'
    when status_code = '201' or (channel = 'mms' and status_code = 'Completed') then 'delivered'
    when status in ('Cancelled', 'CancelledAfterReview') then 'cancelled'
    when status = 'Failed' and status_code is null then 'refused'
    when status_code = '301' or status = 'Failed' then 'undelivered'
    when parts = 0 and status = 'Completed' then 'test'
    when schedule > as_of then 'scheduled'
    when {{ clicksend.seconds_between('due_at', 'as_of') }} < {{ var('settle_days') }} * 86400 then 'pending'
    else 'unconfirmed'
end
{%- endmacro %}


{#- All fates of messages that were sent, in the order of charts. -#}
{% macro fates() %}
{{ return(['delivered', 'undelivered', 'unconfirmed', 'pending', 'scheduled', 'cancelled', 'refused', 'test']) }}
{% endmacro %}


{% macro went_out(fate='fate') %}{{ fate }} in ('delivered', 'undelivered', 'unconfirmed', 'pending'){% endmacro %}


{% macro is_settled(fate='fate') %}{{ fate }} not in ('scheduled', 'pending'){% endmacro %}


{#- Whether a message is among those that rates are of: it went out, and nothing more will be heard of it. -#}
{% macro is_settled_out(fate='fate') %}{{ fate }} in ('delivered', 'undelivered', 'unconfirmed'){% endmacro %}


{#- What a message costs. The rule is ours: nobody has confirmed what ClickSend gives back for one that did not
    go out, so price is kept beside it as it came. -#}
{% macro cost(price='price', fate='fate') -%}
case when {{ clicksend.went_out(fate) }} then coalesce({{ price }}, 0) else 0 end
{%- endmacro %}


{% macro count_if(condition) -%} count(case when {{ condition }} then 1 end) {%- endmacro %}


{#- One count for each fate, and those that rates are of. -#}
{% macro count_fates() -%}
    {%- for fate in clicksend.fates() %}
    {{ clicksend.count_if("fate = '" ~ fate ~ "'") }} as {{ fate }},
    {%- endfor %}
    {{ clicksend.count_if(clicksend.is_settled_out()) }} as settled_out
{%- endmacro %}


{#- Whether an outcome is of a sink that sends messages. -#}
{% macro is_sending_sink() %}sink in ('sms_messages', 'mms_messages', 'voice_messages'){% endmacro %}
