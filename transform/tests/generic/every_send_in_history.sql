{#- What was sent is in the history, unless it is too new (history_lag_hours) or ClickSend has forgotten it (122 days). -#}
{% test every_send_in_history(model) %}
select sent.outcome_id
from {{ model }} as sent
cross join {{ ref('as_of') }} as as_of
where
    sent.what_became = 'not in history'
    and {{ clicksend.seconds_between('sent.updated_at', 'as_of.as_of') }}
    between 3600 * {{ var('history_lag_hours') }} and 122 * 86400
{% endtest %}
