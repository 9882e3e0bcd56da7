{#- A share of counts: null under the variable min_messages. -#}
{% macro rate(part, whole) -%}
case when {{ whole }} >= {{ var('min_messages') }} then cast({{ part }} as {{ clicksend.type_double() }}) / {{ whole }} end
{%- endmacro %}


{#- An end of Wilson's 95 % interval of a share; null under min_messages.

    Args:
        end: low or high.
-#}
{% macro wilson(part, whole, end) -%}
{%- set z = 1.959963984540054 -%}
{%- set n = "cast(" ~ whole ~ " as " ~ clicksend.type_double() ~ ")" -%}
case
    when {{ whole }} >= {{ var('min_messages') }}
    then (
        {{ part }} + {{ z * z / 2 }}
        {{ '-' if end == 'low' else '+' }} {{ z }}
        * sqrt({{ part }} * ({{ n }} - {{ part }}) / {{ n }} + {{ z * z / 4 }})
    ) / ({{ n }} + {{ z * z }})
end
{%- endmacro %}


{#- A rate with its interval, as three columns. -#}
{% macro rate_columns(name, part, whole) -%}
    {{ clicksend.rate(part, whole) }} as {{ name }},
    {{ clicksend.wilson(part, whole, 'low') }} as {{ name }}_low,
    {{ clicksend.wilson(part, whole, 'high') }} as {{ name }}_high
{%- endmacro %}
