-- The moment that all figures are true of; never the wall clock: a warehouse may be stale, and a test's clock ahead.
select
    {%- if var('as_of') %}
    cast('{{ var("as_of") }}' as {{ clicksend.type_time() }}) as as_of
    {%- else %}
    max(moment) as as_of
from (
    {%- for history in ['stg_sms_history', 'stg_mms_history', 'stg_voice_history'] %}
    select max(sent_at) as moment from {{ ref(history) }}
    union all
    select max(extracted_at) as moment from {{ ref(history) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
) as moments
    {%- endif %}
