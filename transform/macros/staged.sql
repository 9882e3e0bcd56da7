{#- A raw table under our names and types, without what is deleted.

    A table that is not there (no ledger, no voice access) has no rows; a column that is not there is null.

    Args:
        name: The table, as in sources.yml.
        columns: For each column its new name, its raw name and its kind: text, time, integer, money or json.
-#}
{% macro staged(name, columns) %}
{%- set raw = {} -%}
{%- set relation = none -%}
{%- set wanted = source('clicksend', name) -%}
{%- if execute -%}
    {%- set relation = adapter.get_relation(wanted.database, wanted.schema, wanted.identifier) -%}
    {%- for column in (adapter.get_columns_in_relation(relation) if relation else []) -%}
        {%- do raw.update({column.name: column.data_type | lower}) -%}
    {%- endfor -%}
{%- endif -%}
select
{%- for new, old, kind in columns %}
    {% if old in raw -%}
        {{ clicksend.read_as(adapter.quote(old), kind, raw[old]) }}
    {%- else -%}
        cast(null as {{ clicksend.type_of(kind) }})
    {%- endif %} as {{ new }}{{ "," if not loop.last }}
{%- endfor %}
{%- if relation %}
from {{ wanted }}
    {%- if '_sdc_deleted_at' in raw %}
where _sdc_deleted_at is null
    {%- endif %}
{%- else %}
from (select 1 as one) as nothing
where 1 = 0
{%- endif %}
{% endmacro %}


{% macro type_of(kind) %}
    {%- if kind == 'text' -%} {{ dbt.type_string() }}
    {%- elif kind == 'time' -%} {{ clicksend.type_time() }}
    {%- elif kind == 'integer' -%} {{ dbt.type_bigint() }}
    {%- elif kind == 'money' -%} {{ clicksend.type_money() }}
    {%- elif kind == 'json' -%} {{ dbt.type_string() }}
    {%- else -%} {{ exceptions.raise_compiler_error(kind ~ " is not a kind of column") }}
    {%- endif -%}
{% endmacro %}


{% macro type_money() %}numeric(38, 9){% endmacro %}


{% macro read_as(column, kind, raw_type) %}
    {%- if kind == 'time' -%} {{ clicksend.utc(column, raw_type) }}
    {%- elif kind == 'text' -%} nullif(cast({{ column }} as {{ dbt.type_string() }}), '')
    {%- else -%} cast({{ column }} as {{ clicksend.type_of(kind) }})
    {%- endif -%}
{% endmacro %}


{#- A text, null where the tap has put a hash in its place (pii: hash). -#}
{% macro legible(column) %}
case when length({{ column }}) = 64 and {{ clicksend.matches(column, '^[0-9a-f]{64}$') }} then null else {{ column }} end
{%- endmacro %}
