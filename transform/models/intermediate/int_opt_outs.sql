-- When each number opted out: by its first STOP, or by its place in the Opt-Out List, whichever was first.
with moments as (
    select sender as number, received_at as opted_out_at
    from {{ ref('conversations') }}
    where is_opt_out and sender is not null
    union all
    select phone_number as number, updated_at as opted_out_at
    from {{ ref('stg_contacts') }}
    where lower(list_name) = lower('{{ var("opt_out_list") }}') and phone_number is not null
)

select number, min(opted_out_at) as opted_out_at
from moments
group by number
