{#- How long texts are: GSM 03.38 has 160 units in one part and 153 in each of several. The characters of its
    extension and, as ClickSend documents it, a line feed are two units. -#}

{#- The characters of GSM 03.38 with its extension, for a class of a regular expression. -#}
{% macro gsm_class() -%}
@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà\r\n\^{}\[\]\\~|€\-
{%- endmacro %}


{#- What is left of a text without the characters of GSM; U+FE0F belongs to the character before it. -#}
{% macro beyond_gsm(text) -%}
{{ clicksend.without(text, '[' ~ clicksend.gsm_class() ~ '\uFE0F]') }}
{%- endmacro %}


{#- The parts of a text if every character beyond GSM were one of GSM. -#}
{% macro parts_if_gsm(text) -%}
{%- set plain = clicksend.without(text, '\uFE0F') -%}
{%- set units -%}
(2 * length({{ plain }}) - length({{ clicksend.without(plain, '[\\^{}\\[\\]\\\\~|€\n]') }}))
{%- endset -%}
case when {{ units }} <= 160 then 1 else cast(ceil({{ units }} / 153.0) as bigint) end
{%- endmacro %}


{#- Whether a reply begins or ends with one of the variable opt_out_keywords, as a whole word. -#}
{% macro says_stop(words) -%}
(
    {%- for keyword in var('opt_out_keywords') %}
    {{ "or " if not loop.first }}{{ words }} like ' {{ keyword | upper }} %' or {{ words }} like '% {{ keyword | upper }} '
    {%- endfor %}
)
{%- endmacro %}
