{#- A total of a model is that of another relation; both of one build, since a loader may write between two. -#}
{% test same_total(model, expression, other, other_expression=none, other_where='1 = 1') %}
with totals as (
    select
        (select {{ expression }} from {{ model }}) as here,
        (select {{ other_expression or expression }} from {{ other }} where {{ other_where }}) as there
)

select *
from totals
where coalesce(here, 0) <> coalesce(there, 0)
{% endtest %}
