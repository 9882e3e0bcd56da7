"""Data of ``stop_words``: what people write when they want no more messages, in the languages of the world.

Case, accents, width and signs do not matter: "don't" is "dont" and "don t". ``{a|b}`` stands for one of them.

Where they come from: 47 CFR 64.1200(a)(10), which wants any reasonable wording honoured; the keywords of AWS
End User Messaging (ARRET, OPTOUT, REMOVE, TD), of Twilio (ARRET, ARRETE, ARRETT) and of the toll-free network
of the USA and Canada (ARRET). For the others no carrier's list was at hand: they are the words for stop, end,
cancel, unsubscribe and sign off, and sentences with them.
"""

# ruff: noqa: E501, RUF001, one pattern is one line, and other scripts are meant

from __future__ import annotations

import re
from itertools import product

KEYWORDS = (
    # ClickSend's help names these.
    *("STOP", "UNSUBSCRIBE", "END"),
    # What carriers and other providers have in common.
    *("STOPALL", "CANCEL", "QUIT"),
    # With STOP, QUIT, END, CANCEL and UNSUBSCRIBE what 47 CFR 64.1200(a)(10) names.
    *("REVOKE", "OPT OUT"),
)
"""The default of the setting; the data below count whatever it says."""

ALONE: dict[str, tuple[str, ...]] = {
    "forms of STOP, and slips of the thumb": (
        *("stopped", "stoped", "stopping", "stops", "stoppt", "stoop", "stope", "stopt", "stopo", "stp"),
        *("stpo", "sotp", "tsop", "sttop", "sstop", "stpop", "stoo", "st0p", "sto0", "stoip", "stiop"),
        *("dtop", "atop", "srop", "sgop", "syop", "stip", "stol", "stahp", "stop2quit", "stop2end"),
        *("stop2stop", "stop me"),
    ),
    "English": (
        *(
            "remove",
            "delete",
            "unsub",
            "cancelled",
            "canceled",
            "cancle",
            "do not call",
            "don't call",
            "don't call me",
            "discontinue",
            "block {me|this|us}",
            "block",
            "enough already",
            "halt",
            "cease",
            "desist",
            "td",
        ),
        *("no more", "nomore", "enough", "go away", "get lost", "{fuck|piss|bugger|f|eff} off", "take off"),
        *("no {texts|text|messages|sms|spam}", "stop {text|texts|sms|msg|msgs|message|messages}"),
    ),
    "French": (
        *("arrêt", "arrête", "arrêtes", "arrêtez", "arrêter", "arrett", "arrette", "annuler", "annulez"),
        *("fin", "annulation", "résilier", "résiliation", "stopper", "stoppez", "quitter"),
        *("plus de {sms|messages|pub}", "pas de {sms|pub|publicité}", "ça suffit"),
    ),
    "German": (
        *("abmelden", "abmeldung", "kündigen", "kündigung", "beenden", "ende", "aufhören", "schluss"),
        *(
            "raus",
            "hör auf",
            "hört auf",
            "es reicht",
            "lösche mich",
            "löschen",
            "lösch",
            "keine {sms|nachrichten|werbung}",
        ),
    ),
    "Dutch": (
        *("stoppen", "stopzetten", "opzeggen", "hou op", "beëindigen", "einde"),
        *("geen {sms|berichten|reclame}",),
    ),
    "Afrikaans": ("staak", "los my uit"),
    "Swedish": ("sluta", "avsluta", "avslut", "avslutar", "avbryt", "stoppa", "avanmäl", "avsäg", "inga sms"),
    "Norwegian, Danish": ("slutt", "avslutt", "stans", "afslut", "hold op", "ingen {sms|beskeder|meldinger}"),
    "Finnish": ("lopeta", "lopettakaa", "peruuta", "poista", "ei kiitos viestejä"),
    "Spanish": (
        *("baja", "alto", "parar", "para", "pare", "paren", "parad", "salir", "cancelar", "cancela"),
        *("cancelen", "detener", "detente", "deténgase", "deténganse", "basta", "fin", "terminar"),
        *("eliminar", "remover", "no {mensajes|sms|textos|escriban|llamen|molestar}"),
    ),
    "Portuguese": (
        *("sair", "parar", "pare", "parem", "cancelar", "cancela", "cancele", "remover", "fim", "chega"),
        *("basta", "excluir", "encerrar", "sai", "me {remova|remove|exclua|tira|tire}"),
    ),
    "Italian": (
        *("basta", "annulla", "cancella", "ferma", "fermati", "disattiva", "stoppa", "smettila"),
        *("smettetela",),
    ),
    "Polish": ("koniec", "rezygnacja", "anuluj", "zakończ", "przestań", "przestańcie", "dość", "wypis"),
    "Czech, Slovak": ("konec", "koniec", "zrušit", "zrušiť", "přestaňte", "prestaňte", "odhlášení"),
    "Croatian, Serbian, Bosnian, Slovenian": (
        *("prestani", "prestanite", "prekini", "prekinite", "stani", "dosta"),
    ),
    "Hungarian": ("törlés", "vége", "hagyjanak békén"),
    "Romanian": ("oprește", "opriți", "renunț", "anulare", "stopați"),
    "Turkish": ("iptal", "ret", "dur", "durdur", "durdurun", "çıkış", "çık"),
    "Greek": ("διακοπή", "τέλος", "διαγραφή", "ακύρωση", "σταματήστε"),
    "Russian, Ukrainian, Bulgarian": (
        *("хватит", "отмена", "прекратите", "прекрати", "довольно", "конец", "досить", "скасувати"),
        *("припиніть", "спри", "спрете", "край", "отказ", "відмова"),
    ),
    "Baltic": ("loobu", "loobun", "lõpeta", "atteikties", "atsisakyti", "atsisakau", "nutraukti", "beigt"),
    "Arabic": ("إيقاف", "ايقاف", "إلغاء", "توقف", "قف", "أوقف", "أوقفوا", "كفى"),
    "Hebrew": ("הסר", "הסרה", "להסרה", "עצור", "די", "הפסק", "תפסיקו"),
    "Chinese": ("停止", "停", "取消", "tdtd"),
    "Japanese": ("停止", "解約", "解除", "ストップ", "やめて", "中止"),
    "Korean": ("거부", "중지", "그만", "취소", "해지"),
    "Thai": ("ยกเลิก", "หยุด", "เลิก"),
    "Vietnamese": ("từ chối", "hủy đăng ký", "ngừng", "dừng lại"),
    "Indonesian, Malay": ("berhenti", "batal", "batalkan", "henti", "hentikan"),
    "Filipino": ("tigil", "itigil", "hinto", "ihinto", "tama na"),
    "Hindi": ("बंद", "बंद करो", "बंद करें", "रोको", "रोकें", "band karo", "bandh karo", "band kro"),
}
"""What opts out as the whole of a reply, or of a sentence of it: elsewhere these words mean other things."""

AS_KEYWORDS: dict[str, tuple[str, ...]] = {
    "English": (
        *("unsubscribed", "unsubscribing", "unsubscribe me", "unsubscrib", "unsubscibe", "unsubcribe"),
        *("unsuscribe", "unsubscrive", "unsubsribe", "unsubscriber", "remove me", "delete me"),
        *("take me off", "opting out", "opted out", "{take|get} {my number|my name} off", "do not contact"),
        *("don't contact", "do not text", "don't text", "don't message", "stop2quit"),
    ),
    "French": (
        *("désabonner", "désabonnement", "désabonne", "désinscrire", "désinscription", "désinscris"),
        *("stop sms",),
    ),
    "German": ("stopp", "abbestellen", "austragen", "mich abmelden", "melde mich ab", "melden sie mich ab"),
    "Dutch": ("afmelden", "uitschrijven", "meld {me|mij} af", "schrijf {me|mij} uit"),
    "Swedish": ("stopp", "avregistrera", "avregistrering", "avregistrer", "avprenumerera"),
    "Norwegian, Danish": (
        *("stopp", "avmeld", "avmelding", "meld meg av", "afmeld", "afmelding", "frameld", "afmelde"),
    ),
    "Spanish": (
        *("no más", "dar de baja", "desuscribir", "desuscribirme"),
        *("{quítenme|sáquenme|bórrenme|elimínenme}",),
    ),
    "Portuguese": ("descadastrar", "descadastre", "descadastrem", "descadastro", "desinscrever"),
    "Italian": (
        *("disiscrivimi", "disiscrivetemi", "disiscrivermi", "disiscrizione", "cancellatemi", "cancellami"),
    ),
    "Polish": ("wypisz", "wypisać", "wyrejestruj", "rezygnuję", "{usuń|usunąć|usuńcie} mnie"),
    "Czech, Slovak": ("odhlásit", "odhlásiť", "odhlas", "odhlaste", "odhláste"),
    "Croatian, Serbian, Bosnian, Slovenian": ("odjava", "odjavi", "odjavite", "odjaviti", "одјава"),
    "Hungarian": ("leiratkozás", "leiratkozom", "leiratkozni", "leiratkoznék"),
    "Romanian": ("dezabonare", "dezabonez", "dezabonați", "dezabonează"),
    "Greek": ("στοπ",),
    "Russian, Ukrainian, Bulgarian": (
        *("стоп", "отписка", "отписаться", "отпишите", "відписатися", "відписка", "відпишіть", "отпиши"),
    ),
    "Indonesian": ("unreg", "berhenti berlangganan"),
}
"""What opts out where a keyword does."""

_DONT = "{do not|don't|dont|never|please no longer|stop to}"
_UNWILLING = "{do not|don't|dont|no longer} {want|wish|need}"
_STOP = "{stop|quit|cease}"
_TEXTS = "{texts|messages|sms|msgs|spam|text messages}"

ANYWHERE: dict[str, tuple[str, ...]] = {
    "English": (
        _DONT
        + " {|ever }{text|txt|message|msg|sms|contact|email|bother|spam|harass} {me|us|this number|my number|anymore}",
        _DONT + " {|ever }call {me|us|here|this number|my number} {again|anymore|any more|ever|or text}",
        _DONT + " {|ever }send {me |us |}{any|anything|more|texts|text|sms|messages|these|those|this|spam}",
        _STOP
        + " {texting|txting|messaging|contacting|emailing|calling|spamming|bothering|harassing|msging|smsing} {me|us|my|this}",
        _STOP + " sending {me|us|these|those|this|messages|texts|sms|any|all|the texts|the messages|your}",
        _STOP + " {the|these|those|this|your|all} {texts|text|messages|sms|msgs|spam|texting|messaging}",
        _STOP + " {receiving|getting} {these|your|texts|messages|sms|the texts|the messages|them}",
        "no {more|further} {text|txt|texts|txts|message|emails|messages|sms|msgs|text messages|spam|texting}",
        "{take|get} {me|my number|my name|us|this number} off {|of }{your|ur|this|the|that|all|any} {|mailing |text }{list|lists|database|system}",
        "remove {me|us} from {your|ur|all your|all|this|the|that|any} {|mailing |text |texting |contact |sms }{list|lists|database|system|texts|messages|records}",
        "{remove|delete|erase|forget|lose|loose|drop} {my|this} {number|phone number|contact|details|data|info}",
        "delete me from",
        "opt me out",
        "{want|wish|like|need|trying|choose} to {unsubscribe|opt out|be unsubscribed|be removed|be taken off|revoke}",
        "unsubscribe {me|us|from}",
        "opt out {of|from} {this|these|all|your|the}",
        "leave {me|us} {the hell |the fuck |}alone",
        "{withdraw|revoke|withdrawing|revoking} {|my |all }consent",
        "{do not|don't|no longer} {consent|want to be contacted|wish to be contacted|have my consent}",
        _UNWILLING
        + " {|to receive |to get }{|any |any more |anymore |more |your |these |this |further }"
        + _TEXTS,
        "cease and desist",
        "stop request",
        "stop wasting my time",
    ),
    "French": (
        "{ne|ne veux|ne souhaite|ne désire} plus {recevoir|être contacté|de sms|de messages|vos sms|vos messages}",
        "ne plus {me déranger|me recontacter}",
        "ne {m'envoyez|me contactez|m'écrivez|me recontactez|me dérangez} {plus|pas}",
        "n'{envoyez|écrivez} plus",
        "{arrêtez|arrête|arrêter|cessez} {de m'|d'|de me }{envoyer|contacter|écrire|harceler|spammer|déranger}",
        "{arrêtez|arrêter|arrêt|cessez} {les|vos|ces|tous les|des|de} {sms|messages|pubs|spams|publicités}",
        "{désabonnez|désinscrivez|retirez|supprimez|enlevez|effacez|rayez} moi",
        "{supprimez|effacez|retirez|enlevez|supprimer|effacer|retirer|enlever} {mon|ce} numéro",
        "{me|m'} {désabonner|désinscrire}",
        "{laissez|laisse|fichez|fiche|foutez} moi {tranquille|en paix|la paix}",
        "{supprime|désabonne|désinscris|retire|enlève|efface} moi",
        "{supprimez|supprimer|effacez|effacer} mes données",
        "ne {pas|plus} {me contacter|m'écrire|m'appeler|m'envoyer}",
        "{rayer|rayez|ôtez|retirez} {|moi }de {la|votre|vos} {liste|listes}",
        "{retirer|enlever|supprimer|sortir} de {votre|vos|la} {liste|listes}",
    ),
    "German": (
        "{keine|keinerlei} {sms|nachrichten|werbung|werbe sms|werbenachrichten|mitteilungen} mehr",
        "{lasst|lass|lassen sie} mich in {ruhe|frieden}",
        "{schreiben sie|schreibt|schreib} mir {nicht|nie|keine sms|keine nachrichten} mehr",
        "{schicken sie|schickt|schick|senden sie|sendet} mir {keine|nichts|bitte keine|bitte nichts} mehr",
        "{schicken sie|schickt|schick|senden sie|sendet} mir {keine|bitte keine} {sms|nachrichten|werbung}",
        "nicht mehr {anschreiben|kontaktieren|kontaktiert werden|angeschrieben werden}",
        "{löschen sie|löscht|lösche|lösch|entfernen sie|entfernt|streichen sie} {mich|meine nummer|meine daten}",
        "{meine nummer|meine daten|mich} {bitte |}{löschen|entfernen}",
        "aus {ihrer|eurer|der|ihrem|eurem|dem} {liste|verteiler|datenbank} {nehmen|löschen|streichen|entfernen}",
        "{hören sie|hört|hör} auf mir",
        "keine weiteren {sms|nachrichten|mitteilungen|texte}",
        "{von|aus} {der|ihrer|eurer} liste {nehmen|streichen|löschen|entfernen}",
        "{mich|vom newsletter|von der liste} abzumelden",
        "nehmen sie mich aus",
    ),
    "Dutch": (
        "geen {sms|sms'jes|smsjes|berichten|berichtjes|reclame} meer",
        "{laat|laten} {me|mij} met rust",
        "stuur {me|mij} {geen|niets} meer",
        "{verwijder|schrap} {mij|me|mijn nummer|m'n nummer}",
        "haal {mij|me|mijn nummer} {van|uit}",
        "{stop|hou op} met {sms en|sturen|berichten|sms'en|het sturen}",
        "{wil|wens} {ik |}geen {sms|berichten|reclame}",
        "{van|uit} {jullie|uw|de|je} lijst {halen|verwijderen|af}",
    ),
    "Afrikaans": ("moenie {vir my|my} {sms|kontak|boodskappe|pla}", "verwyder my", "geen verdere boodskappe"),
    "Swedish": (
        "inga {fler|mer|flera} {sms|meddelanden|mess}",
        "sluta {skicka|smsa|messa|kontakta|störa|spamma}",
        "ta bort {mig|mitt nummer}",
        "skicka inte {fler|mer|flera|sms}",
        "lämna mig ifred",
        "vill inte {ha|få} {fler|mer|flera|era|dessa|några} {sms|meddelanden}",
    ),
    "Norwegian, Danish": (
        "ikke send {meg|mig} {flere|mer|mere}",
        "{ingen|ikke} {flere|fler|mer|mere} {sms|sms'er|meldinger|beskeder}",
        "slutt å {sende|sms'e|kontakte|plage|mase}",
        "{stop|hold op} med at {sende|skrive|sms'e|kontakte}",
        "{slett|slet|fjern} {meg|mig|nummeret mitt|mit nummer}",
        "{la|lad} {meg|mig} være",
        "vil ikke {ha|have} {flere|mer|mere} {sms|sms'er|meldinger|beskeder}",
    ),
    "Finnish": (
        "ei enää {viestejä|tekstiviestejä}",
        "{lopettakaa|lopeta} {viestien|viestit|tekstiviestit}",
        "{poistakaa|poista} {minut|numeroni}",
        "älkää lähettäkö",
        "en halua {viestejä|enää viestejä|näitä viestejä}",
    ),
    "Spanish": (
        "{dame|darme|denme|deme|dadme|dénme|darnos} de baja",
        "quiero {la|mi|una} baja",
        "cancelar {la|mi} suscripción",
        "dar de baja {la|mi|este|el} {suscripción|número|servicio de mensajes|teléfono}",
        "no {|me |nos }{escriban|escribas|llamen|llames|llame|manden|envíen|contacten} más",
        "no {me|nos} {escriban|escribas|escriba|contacten|contactes|contacte|molesten|molestes|moleste|texteen}",
        "no {me|nos} {envíen|envíes|envíe|manden|mandes|mande} {más|nada|mensajes|sms|textos|publicidad}",
        "no más {mensajes|sms|textos|spam|publicidad}",
        "no {quiero|deseo} {recibir|más mensajes|más sms|sus mensajes|estos mensajes|mensajes}",
        "{dejen|deja|deje|dejad|paren|parad|para|pare} de {enviar|mandar|escribir|molestar|llamar|textear|contactar}{|me}",
        "{quítame|quítenme|quíteme|sácame|sáquenme|sáqueme|quitarme|sacarme} de {la|su|tu|sus|tus|esta} {lista|listas|base}",
        "{bórrame|bórrenme|elimíname|elimínenme|borrarme|eliminarme} de",
        "{borren|borra|borre|eliminen|elimina|elimine|quiten|quita|quite} mi {número|contacto|teléfono}",
        "{déjenme|déjame|déjeme} {en paz|tranquilo|tranquila}",
    ),
    "Portuguese": (
        "{parem|pare|para|parar|quero parar} de {me |}{contatar|incomodar|enviar|mandar|receber|enviarem|mandarem|escrever|perturbar}",
        "não quero {mais |}{receber|mensagens|sms}",
        "não quero mais {receber |}{mensagens|sms|isso}",
        "não {me |}{mande|mandem|envie|enviem|manda} mais",
        "não me {perturbe|perturbem|incomode|incomodem|contate|contatem|escreva|escrevam}",
        "me {tira|tire|tirem|remova|removam|exclua|excluam|retire|retirem} {da|dessa|desta|do|desse}",
        "{remova|removam|apague|apaguem|exclua|excluam|tire|tirem|remover|apagar} {o |}meu {número|contato|contacto}",
        "me {deixa|deixe|deixem} em paz",
        "{remover|tirar|excluir|apagar|sair} {da|desta|dessa|de sua|da sua} lista",
        "{tirar|tira|tire|tirem} {o |}meu {número|contato}",
        "quero ser {removido|removida|excluído|excluída|descadastrado|descadastrada}",
        "{me descadastra|me descadastre|me descadastrem|me bloqueia|me bloqueie|chega de mensagem|chega de mensagens}",
        "{deixe|deixem} me em paz",
        "sair da lista",
    ),
    "Italian": (
        "non {mandatemi|inviatemi|scrivetemi|contattatemi|mandarmi|inviarmi|scrivermi|contattarmi} più",
        "non {mandatemi|inviatemi} {altri|altre|sms|messaggi}",
        "basta {messaggi|sms|pubblicità|con i messaggi|con gli sms|con questi}",
        "non voglio {più |}{ricevere|messaggi|sms|essere contattato|essere contattata}",
        "{smettetela|smettila|smetti|smettete} di {scrivermi|mandare|mandarmi|inviarmi|inviare|contattarmi|disturbarmi}",
        "{toglietemi|toglimi|rimuovetemi|rimuovimi|cancellatemi|cancellami|togliermi|rimuovermi} {dalla|dalle|da}",
        "{cancellate|cancella|eliminate|elimina|rimuovete|rimuovi} il mio numero",
        "lasciatemi in pace",
        "{annulla|cancella|annullare|cancellare} {la |l'|}{iscrizione|mia iscrizione}",
    ),
    "Polish": (
        "nie {wysyłaj|wysyłajcie|wysyłać|piszcie|pisz|przysyłajcie} {mi|do mnie|więcej|już}",
        "{proszę|prosze} {więcej |}nie {wysyłać|pisać|dzwonić}",
        "nie {życzę sobie|chcę otrzymywać|chcę dostawać|chcę więcej}",
        "{usuńcie|usuń|usunąć|usunięcie} {mój numer|mojego numeru}",
        "{przestańcie|przestań} {pisać|wysyłać|do mnie}",
        "dajcie mi spokój",
        "{wypisz|wypiszcie|wypisać} mnie",
    ),
    "Czech, Slovak": (
        "{neposílejte|neposielajte|nepište|nepíšte} {mi|už|mně}",
        "{už|uz} {mi |}{neposílejte|neposielajte|nepište|nepíšte}",
        "{přestaňte|prestaňte} {posílat|posielať|psát|písať|mi}",
        "{smažte|vymažte|odstraňte} {mě|moje|mne|můj|ma}",
        "{nechci|nechcem} {dostávat|dostávať|další|ďalšie}",
        "{dejte|dajte} mi pokoj",
    ),
    "Croatian, Serbian, Bosnian, Slovenian": (
        "nemojte mi {više |}{slati|pisati}",
        "ne {šaljite|pošiljajte|pišite} {mi|više|več}",
        "{prestanite|prestani|nehajte} {slati|pisati|mi|pošiljati}",
        "{obrišite|izbrišite|uklonite} {moj broj|me|mojo številko}",
        "ne želim {više |}{primati|poruke|prejemati|dobivati}",
        "pustite me na miru",
    ),
    "Hungarian": (
        "ne {küldjenek|küldjetek|küldjön|írjanak|írjatok} {több|többet|többé|nekem}",
        "{töröljék|töröljenek|töröljétek} {a számomat|engem|le}",
        "nem kérek {több|többet}",
    ),
    "Romanian": (
        "nu {mai|îmi mai|mă mai} {trimiteți|contactați|trimite|scrieți|vreau mesaje|doresc mesaje|vreau sms|sunați}",
        "nu {mai vreau|mai doresc|doresc} să {primesc|fiu contactat|fiu contactată}",
        "{opriți|încetați} mesajele",
        "ștergeți numărul meu",
        "lăsați mă în pace",
    ),
    "Turkish": (
        "{mesaj|sms} {atmayın|atma|göndermeyin|gönderme|istemiyorum|almak istemiyorum}",
        "{beni|numaramı} {listeden çıkarın|listenizden çıkarın|silin|sil|listeden çıkar}",
        "{bir daha|artık} {mesaj|sms} {atmayın|göndermeyin|istemiyorum}",
        "rahatsız etmeyin",
    ),
    "Greek": (
        "{μη|μην} μου {ξανα|}{στέλνετε|στείλετε|γράφετε}",
        "σταματήστε να μου στέλνετε",
        "δεν θέλω {μηνύματα|άλλα μηνύματα|να λαμβάνω}",
        "{διαγράψτε|σβήστε} {με|τον αριθμό μου}",
    ),
    "Russian, Ukrainian, Bulgarian": (
        "не {пишите|присылайте|шлите|отправляйте|звоните|пишіть|надсилайте} {мне|больше|мені|більше}",
        "{больше|більше} не {пишите|присылайте|шлите|отправляйте|звоните|пишіть|надсилайте|беспокойте}",
        "{мне|мені} {больше |більше |}не {пишите|присылайте|шлите|пишіть|надсилайте}",
        "{удалите|уберите|видаліть|приберіть} {меня|мой номер|мене|мій номер}",
        "{прекратите|перестаньте|припиніть} {писать|присылать|слать|рассылку|мне|надсилати|писати}",
        *("оставьте меня в покое", "дайте мені спокій"),
        "{отказываюсь|хочу отписаться|хочу відписатися} от {рассылки|смс}",
        "не {ми|ме} {пращайте|пишете|безпокойте}",
    ),
    "Arabic": (
        "{إلغاء|الغاء} الاشتراك",
        "لا {ترسل|ترسلوا|تراسلوني|تراسلني|أريد رسائل}",
        "{توقفوا|توقف} عن",
        "{احذف|احذفوا|امسح} رقمي",
    ),
    "Hebrew": (
        "{הסירו|תסירו|הסר|להסיר|תמחקו|תוריד|תורידו} אותי",
        "{תפסיקו|הפסיקו|תפסיק} לשלוח",
        "אל {תשלחו|תשלח|תכתבו}",
        "{תמחקו|מחקו} את המספר",
    ),
    "Chinese": (
        *(
            "退订",
            "退訂",
            "取消订阅",
            "取消訂閱",
            "拒收",
            "不要再发",
            "不要再發",
            "别再发",
            "別再發",
            "停止发送",
            "停止發送",
            "别发了",
            "別發了",
        ),
        *("不要发", "不要發", "删除我的", "刪除我的"),
    ),
    "Japanese": ("配信停止", "送らないで", "登録解除", "購読解除", "配信を停止", "配信を止め"),
    "Korean": ("수신거부", "수신 거부", "보내지 마", "보내지 마세요", "보내지마세요", "문자 그만"),
    "Thai": ("หยุดส่ง", "ยกเลิกการรับ", "ไม่ต้องส่ง", "ไม่รับข้อความ", "เลิกส่ง"),
    "Vietnamese": (
        "{đừng|dừng|ngừng|không} {nhắn tin|gửi tin|gửi tin nhắn|nhắn} {cho tôi|nữa}",
        "{dừng|ngừng} {gửi|nhắn} {tin|tin nhắn}",
        "không nhận tin",
    ),
    "Indonesian, Malay": (
        "jangan {kirim|sms|hubungi|ganggu|hantar} {saya|lagi|sms|pesan|mesej}",
        "{hapus|buang|padam} {nomor|nombor} saya",
        "{hentikan|berhenti|stop} {kirim|mengirim|sms|hantar|menghantar|pesan}",
    ),
    "Filipino": (
        "{wag|huwag} {na |}{kayo |kayong |}{mag text|magtext|mag message|magpadala}",
        "{wag|huwag} {mo |nyo |niyo |}{na |}akong {i text|itext|text}",
        "tigilan {mo|nyo|niyo} ako",
    ),
    "Hindi": (
        "{message|msg|sms} mat {bhejo|karo|bhejna|bhejiye}",
        "{मैसेज|संदेश|एसएमएस} मत {भेजो|भेजें|भेजिए|करो}",
        "{message|msg|sms} band {karo|kro|kar do}",
    ),
}
"""What opts out wherever it is in a reply, unless it is negated."""

DOUBTFUL = (
    "wrong {number|person}",
    "not interested",
    "{never|did not|didn't} sign{|ed} up",
    "{got|have|get} my number",
    *(
        "this is spam",
        "report you",
        "will sue",
        "my lawyer",
        "{rwmove|remvoe|remov} me",
        "número equivocado",
        "mauvais numéro",
    ),
    *("falsche nummer", "verkeerd nummer"),
    *("numero sbagliato", "número errado", "fel nummer", "no me interesa", "kein interesse"),
)
"""What does not opt out, but deserves a look."""

COURTESY = (
    *("please", "pls", "plz", "plse", "pleas", "thanks", "thank you", "thankyou"),
    *("thx", "tks", "ty", "cheers"),
    *("ok", "okay", "hi", "hello", "hey", "sorry"),
    *("sir", "madam", "guys", "good {morning|afternoon|evening}"),
    *("kindly", "just", "but", "and", "now", "asap", "immediately", "many thanks", "yes", "yeah"),
    *("por favor", "porfavor", "porfa", "gracias", "muchas gracias", "hola"),
    *("buenos días", "buenas", "ya", "ahora"),
    *("svp", "s'il vous plaît", "s'il te plaît", "merci", "bonjour", "salut", "oui"),
    *("bitte", "danke", "hallo", "guten {tag|morgen|abend}", "sofort", "jetzt", "vielen dank"),
    *("alsjeblieft", "alstublieft", "aub", "bedankt", "dank u", "dank u wel"),
    *("dank je", "asseblief", "dankie"),
    *("tack", "snälla", "hej", "tack så mycket", "takk", "vennligst", "hei", "tak", "venligst"),
    *("obrigado", "obrigada", "olá", "oi", "bom dia", "grazie", "per favore", "ciao", "buongiorno"),
    *("proszę", "dziękuję", "prosím", "děkuji", "ďakujem", "molim", "hvala", "prosim", "dobrý den"),
    *("köszönöm", "kérem", "vă rog", "mulțumesc", "lütfen", "teşekkürler"),
    *("kiitos", "ole hyvä", "παρακαλώ", "ευχαριστώ"),
    *("спасибо", "пожалуйста", "будь ласка", "дякую", "здравствуйте", "моля"),
    *("من فضلك", "شكرا", "בבקשה", "תודה"),
    *("请", "請", "谢谢", "謝謝", "お願いします", "제발", "감사합니다", "부탁드립니다"),
    *("tolong", "terima kasih", "paki", "po", "salamat"),
    *("कृपया", "धन्यवाद", "ครับ", "ค่ะ", "xin", "cảm ơn"),
)
"""What is polite at both ends of a reply, and says nothing."""

NEGATIONS = (
    *("not", "don't", "dont", "never", "cannot", "can't", "cant", "won't"),
    *("wont", "didn't", "didnt", "doesn't"),
    *("did you", "have you", "haven't", "couldn't", "shouldn't", "wouldn't", "isn't"),
)
"""What makes of the words behind it no STOP."""

NOUN_AFTER = (
    "a an the my your our his her their its each every any one two three next last first second final"
    " bus tram train rest pit full week month year l le la un une du el os o az"
)
"""After these, END and STOP are not verbs; at the end of a short reply they count all the same."""

OTHER_MEANINGS = ("stop by", "stop over", "end of", "end up")
"""What begins with a keyword and has nothing to do with it."""


def spelled_out(pattern: str) -> list[str]:
    """Return the texts that a pattern stands for; braces are not nested."""
    parts = [part.split("|") for part in re.split(r"[{}]", pattern)]
    return ["".join(chosen) for chosen in product(*parts)]
