{#- What PostgreSQL, DuckDB and others write in different ways, each said once.

    PostgreSQL and DuckDB are tested; what is here for others is not.
-#}

{% macro type_time() %}{{ return(adapter.dispatch('type_time', 'clicksend')()) }}{% endmacro %}
{% macro default__type_time() %}timestamptz{% endmacro %}
{% macro bigquery__type_time() %}timestamp{% endmacro %}


{% macro type_double() %}{{ return(adapter.dispatch('type_double', 'clicksend')()) }}{% endmacro %}
{% macro default__type_double() %}double precision{% endmacro %}
{% macro bigquery__type_double() %}float64{% endmacro %}


{#- A raw time as a moment; one without a zone is UTC, as all of ClickSend's are. -#}
{% macro utc(column, raw_type) %}{{ return(adapter.dispatch('utc', 'clicksend')(column, raw_type)) }}{% endmacro %}
{% macro default__utc(column, raw_type) -%}
    {%- if 'with time zone' in raw_type or raw_type.startswith('timestamptz') -%} {{ column }}
    {%- elif 'timestamp' in raw_type -%} {{ column }} at time zone 'UTC'
    {%- else -%} cast({{ column }} as {{ clicksend.type_time() }})
    {%- endif -%}
{%- endmacro %}
{% macro bigquery__utc(column, raw_type) -%} cast({{ column }} as timestamp) {%- endmacro %}


{#- The date of a moment in the variable time_zone. -#}
{% macro day_of(moment) %}{{ return(adapter.dispatch('day_of', 'clicksend')(moment)) }}{% endmacro %}
{% macro default__day_of(moment) -%} cast({{ moment }} at time zone '{{ var("time_zone") }}' as date) {%- endmacro %}
{% macro bigquery__day_of(moment) -%} date({{ moment }}, '{{ var("time_zone") }}') {%- endmacro %}
{% macro snowflake__day_of(moment) -%} to_date(convert_timezone('{{ var("time_zone") }}', {{ moment }})) {%- endmacro %}


{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between', 'clicksend')(earlier, later)) }}{% endmacro %}
{% macro default__seconds_between(earlier, later) -%} {{ dbt.datediff(earlier, later, 'second') }} {%- endmacro %}
{% macro postgres__seconds_between(earlier, later) -%}
    cast(floor(extract(epoch from ({{ later }} - {{ earlier }}))) as bigint)
{%- endmacro %}
{% macro duckdb__seconds_between(earlier, later) -%}
    cast(floor(epoch({{ later }}) - epoch({{ earlier }})) as bigint)
{%- endmacro %}


{#- An exact percentile of a column over a group; on BigQuery an approximate one. -#}
{% macro percentile(column, share) %}{{ return(adapter.dispatch('percentile', 'clicksend')(column, share)) }}{% endmacro %}
{% macro default__percentile(column, share) -%}
    cast(percentile_cont({{ share }}) within group (order by {{ column }}) as {{ clicksend.type_double() }})
{%- endmacro %}
{% macro bigquery__percentile(column, share) -%}
    approx_quantiles({{ column }}, 100)[offset({{ (share * 100) | int }})]
{%- endmacro %}


{#- Whether a regular expression is found in a text; only what RE2 and PostgreSQL read alike. -#}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches', 'clicksend')(text, pattern)) }}{% endmacro %}
{% macro default__matches(text, pattern) -%} regexp_like({{ text }}, '{{ pattern }}') {%- endmacro %}
{% macro postgres__matches(text, pattern) -%} {{ text }} ~ '{{ pattern }}' {%- endmacro %}
{% macro duckdb__matches(text, pattern) -%} regexp_matches({{ text }}, '{{ pattern }}') {%- endmacro %}
{% macro bigquery__matches(text, pattern) -%} regexp_contains({{ text }}, r'{{ pattern }}') {%- endmacro %}


{#- The words of a text in capitals, one blank before, between and after them. -#}
{% macro words_of(text) %}{{ return(adapter.dispatch('words_of', 'clicksend')(text)) }}{% endmacro %}
{% macro default__words_of(text) -%}
    ' ' || trim(regexp_replace(upper({{ text }}), '[^[:alnum:]]+', ' ')) || ' '
{%- endmacro %}
{% macro postgres__words_of(text) -%}
    ' ' || trim(regexp_replace(upper({{ text }}), '[^[:alnum:]]+', ' ', 'g')) || ' '
{%- endmacro %}
{% macro duckdb__words_of(text) -%}
    ' ' || trim(regexp_replace(upper({{ text }}), '[^\p{L}\p{N}]+', ' ', 'g')) || ' '
{%- endmacro %}


{% macro code_point(character) %}{{ return(adapter.dispatch('code_point', 'clicksend')(character)) }}{% endmacro %}
{% macro default__code_point(character) -%} unicode({{ character }}) {%- endmacro %}
{% macro postgres__code_point(character) -%} ascii({{ character }}) {%- endmacro %}
{% macro bigquery__code_point(character) -%} to_code_points({{ character }})[offset(0)] {%- endmacro %}


{#- The code point of a character as Unicode writes it: U+ and four digits or more. lpad alone would cut the fifth off. -#}
{% macro unicode_notation(character) -%}
    {%- set digits = clicksend.hexadecimal(clicksend.code_point(character)) -%}
    'U+' || case when length({{ digits }}) < 4 then lpad({{ digits }}, 4, '0') else {{ digits }} end
{%- endmacro %}


{#- Capital hexadecimal digits of a number. -#}
{% macro hexadecimal(number) %}{{ return(adapter.dispatch('hexadecimal', 'clicksend')(number)) }}{% endmacro %}
{% macro default__hexadecimal(number) -%} upper(to_hex({{ number }})) {%- endmacro %}
{% macro snowflake__hexadecimal(number) -%} trim(to_char({{ number }}, 'XXXXXXXX')) {%- endmacro %}
{% macro bigquery__hexadecimal(number) -%} format('%X', {{ number }}) {%- endmacro %}


{#- A text in a JSON object that is a text or a JSON column. -#}
{% macro json_text(json, name) %}{{ return(adapter.dispatch('json_text', 'clicksend')(json, name)) }}{% endmacro %}
{% macro default__json_text(json, name) -%} json_extract_string({{ json }}, '$.{{ name }}') {%- endmacro %}
{% macro postgres__json_text(json, name) -%} (cast({{ json }} as jsonb) ->> '{{ name }}') {%- endmacro %}
{% macro bigquery__json_text(json, name) -%} json_value({{ json }}, '$.{{ name }}') {%- endmacro %}
{% macro snowflake__json_text(json, name) -%} get_path(parse_json({{ json }}), '{{ name }}')::varchar {%- endmacro %}


{#- The value of a JSON object that has only one, else the object. -#}
{% macro only_value(json) %}{{ return(adapter.dispatch('only_value', 'clicksend')(json)) }}{% endmacro %}
{% macro default__only_value(json) -%} {{ json }} {%- endmacro %}
{% macro postgres__only_value(json) -%}
    (select case when count(*) = 1 then min(value) else {{ json }} end from jsonb_each_text(cast({{ json }} as jsonb)))
{%- endmacro %}
{% macro duckdb__only_value(json) -%}
    case
        when len(json_keys({{ json }})) = 1
        then json_extract_string({{ json }}, '$."' || json_keys({{ json }})[1] || '"')
        else {{ json }}
    end
{%- endmacro %}
