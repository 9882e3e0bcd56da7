with contacts as (
    select
        list_id,
        count(*) as contacts,
        {{ clicksend.count_if('has_number') }} as with_number,
        {{ clicksend.count_if('is_valid') }} as valid,
        {{ clicksend.count_if('is_duplicate') }} as duplicates,
        {{ clicksend.count_if('is_opted_out') }} as opted_out,
        {{ clicksend.count_if("last_fate = 'undelivered'") }} as last_undelivered,
        {{ clicksend.count_if('times_sent = 0') }} as never_sent,
        {{ clicksend.count_if('is_reachable') }} as reachable
    from {{ ref('contact_health') }}
    group by list_id
)

select
    lists.list_id,
    lists.list_name,
    {%- for count in ['contacts', 'with_number', 'valid', 'duplicates', 'opted_out', 'last_undelivered', 'never_sent', 'reachable'] %}
    coalesce(contacts.{{ count }}, 0) as {{ count }},
    {%- endfor %}
    lists.contacts_count as contacts_by_clicksend
from {{ ref('stg_lists') }} as lists
left join contacts on contacts.list_id = lists.list_id
