{#- How long texts are: GSM 03.38 has 160 units in one part and 153 in each of several. The characters of its
    extension and, as ClickSend documents it, a line feed are two units. U+FE0F belongs to the character before it. -#}

{#- A text without some characters; many times as fast as a regular expression. -#}
{% macro without(text, characters) -%}
translate({{ text }}, '{{ characters | replace("'", "''") }}', '')
{%- endmacro %}


{#- What is left of a text without the characters of GSM 03.38 and its extension. -#}
{% macro beyond_gsm(text) -%}
{%- set letters = 'abcdefghijklmnopqrstuvwxyz' -%}
{%- set gsm = letters ~ letters | upper ~ '0123456789 \n\r@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!"#¤%&()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}[]\\~|€' ~ "'" -%}
{{ clicksend.without(text, gsm ~ '\uFE0F') }}
{%- endmacro %}


{#- The units of a text if every character beyond GSM were one of GSM. -#}
{% macro units_if_gsm(text) -%}
(2 * length({{ clicksend.without(text, '\uFE0F') }}) - length({{ clicksend.without(text, '\uFE0F\n^{}[]\\~|€') }}))
{%- endmacro %}


{#- Whether a reply begins or ends with one of the variable opt_out_keywords, as a whole word. -#}
{% macro says_stop(words) -%}
(
    {%- for keyword in var('opt_out_keywords') %}
    {{ "or " if not loop.first }}{{ words }} like ' {{ keyword | upper }} %' or {{ words }} like '% {{ keyword | upper }} '
    {%- endfor %}
)
{%- endmacro %}
