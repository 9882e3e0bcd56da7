"""Replies to text messages, to measure what is taken for a STOP: made up, after what people write.

Who meant a STOP is decided by reading them as a person would, not by the rules; some of ``OTHERS`` are as
hard as they come.
"""

# ruff: noqa: RUF001, other scripts are meant

STOPS = {
    "keywords and courtesy": """
STOP
stop
Stop.
STOP!!!
S T O P
S.T.O.P.
*stop*
StOp
STOPPPP
stooooop
stop please
please stop
Pls stop thx
no stop please
Thanks, but please STOP please
Will you cancel please
Hello, please stop. Thank you
ok stop now
Yes, STOP
UNSUBSCRIBE
Unsubscribe me please
I want to unsubscribe
I would like to unsubscribe from these messages, thanks
cancel
Cancel please
END
quit
Quit!
revoke
STOPALL
stop all
opt out
opt-out
OPTOUT
I'd like to opt out of these messages
stop sms
stop texts
stop messages please
STOP 🛑
"Stop"
Sorry, stop
hi stop
stop. thanks
STOP - Karen
STOP / Sent from my iPhone
""",
    "slips and forms": """
STOPPED
Stp
stpo
sotp
STPO
stopp
st0p
unsub
unsuscribe
unsubscribed
canceled
stop2quit
stopall please
REMOVE
Remove please
delete
TD
""",
    "phrases": """
Hey, stop texting me
wrong number stop it
Opt me out
opt me out please
Take me off your list
please take me off this list
Take me off your mailing list. Thank you
do not text me
Do not text me again
don't text me
dont text me anymore
Don't ever text me again please, I'm so tired of this
stop texting me
Please, please STOP texting me
Would you please stop sending me these messages every day
can you stop sending me texts
quit texting me
quit bothering me
no more texts
No more texts please
no more messages
remove me
Please remove me
remove me from your list
Please remove me from all your lists, I have moved to another town
Remove my number from your system
Please delete my number
lose my number
loose my number
leave me alone
Leave me the hell alone
I asked you three times already. STOP
Who is this? STOP. I never signed up for anything
The noise is unbearable. Stop. Thanks
Stop. I never signed up for this.
I don't want any more texts
I do not want to receive your messages
do not contact me
Don't contact me again
never text me again
do not send me any more messages
dont send me this spam
stop the messages
stop these texts
stop spamming me
I withdraw my consent
I revoke all consent to be contacted
I do not consent to these messages
cease and desist
go away
Fuck off
get me off this list
enough
no more
how do I unsubscribe
Take my number off
Who is this, stop texting
do not email or text me, I said do not email me
Please discontinue
no more text
block me please
enough already
don't call here again
Pls unsubscribe
can you please stop
I have moved house and I do not need this any more so please stop
I already told your colleague on the phone that I want to opt out
My husband died last year, please remove him and stop
hi / I think you have the wrong person / STOP / thanks, John
""",
    "French": """
ARRET
Arrêt
ARRÊT SVP
arret merci
Arrêtez
STOP SMS
Désabonnement
désabonner
je veux me désabonner
Veuillez me désinscrire svp
Désinscrivez-moi de votre liste
je ne veux plus recevoir vos sms
Arrêtez de m'envoyer des messages
ne m'envoyez plus de sms
Supprimez mon numéro
Laissez-moi tranquille !
Fichez-moi la paix
Merci de ne pas me contacter
Supprimez mes données
Retire-moi de ta liste
Stop merci
""",
    "German": """
STOPP
Stopp bitte
Abmelden
bitte abmelden
Ich möchte mich abmelden
abbestellen
Bitte keine SMS mehr
keine Nachrichten mehr bitte
Bitte keine Werbung mehr
Schreiben Sie mir nicht mehr
Löschen Sie meine Nummer
Lasst mich in Ruhe
Kündigen
Bitte austragen
bitte löschen
Bitte keine weiteren SMS
Ich will von der Liste gestrichen werden, also bitte aus der Liste streichen
""",
    "Dutch": """
AFMELDEN
Graag afmelden
STOPPEN
stop aub
geen sms meer
Uitschrijven
Meld me af
laat me met rust
verwijder mijn nummer
""",
    "Swedish, Norwegian, Danish, Finnish": """
STOPP
Stopp tack
SLUTA
Avsluta
AVREGISTRERA
avregistrer
sluta skicka sms
Inga fler sms tack
ta bort mitt nummer
AVMELD
Meld meg av
ikke send meg flere meldinger
AFMELD
afmeld mig venligst
slet mit nummer
ikke flere sms
LOPETA
ei enää viestejä kiitos
""",
    "Spanish": """
BAJA
Baja por favor
ALTO
PARAR
Detener
CANCELAR
SALIR
No más
no mas mensajes
Quiero darme de baja
denme de baja por favor
no me escriban más
no me manden mensajes
dejen de enviarme mensajes
Deja de escribirme
Quítame de tu lista
no me llamen más
Quiero dar de baja mi número
bórrenme de su lista
no quiero recibir más mensajes
Basta
Hola, BAJA
""",
    "Portuguese": """
SAIR
Sair por favor
PARAR
Pare
CANCELAR
Descadastrar
não quero mais receber mensagens
parem de me mandar mensagem
me tira da lista
remova meu número
não me mande mais
pare de me incomodar
me deixa em paz
Quero ser removido
me descadastra
tira o meu número
""",
    "Italian": """
BASTA
Annulla
Cancellami
cancellatemi dalla lista
Non mandatemi più messaggi
basta messaggi
non voglio ricevere sms
disiscrizione
annulla l'iscrizione
""",
    "other languages": """
ODJAVA
odjavite me
Odjavi molim
nemojte mi slati poruke
WYPISZ
Proszę mnie wypisać
rezygnuję
nie wysyłajcie mi SMS
usuńcie mój numer
KONIEC
odhlásit
Odhlaste mě
neposílejte mi už nic
LEIRATKOZÁS
dezabonare
nu mai trimiteti mesaje
IPTAL
RET
mesaj atmayın
СТОП
Стоп, пожалуйста
отписаться
не пишите мне
Больше не присылайте
удалите мой номер
відписатися
ΣΤΟΠ
διαγραφή
إيقاف
إلغاء الاشتراك
توقف
הסר
הסירו אותי
退订
请退订
取消订阅
TD
配信停止
停止
수신거부
보내지 마세요
ยกเลิก
từ chối
BERHENTI
UNREG
jangan kirim lagi
tigil
huwag na kayong mag text
band karo
bandh karo please
बंद करो
""",
}

OTHERS = {
    "plain answers": """
YES
Yes please
No
no thanks
No thank you
OK
Ok great, see you then
Thanks!
👍
🙂🙂
Thank you so much for the reminder
START
UNSTOP
start please
HELP
INFO
Confirmed
C
1
2
Fine
10:30 is fine
Can we make it Tuesday instead?
Who is this?
Sorry, who is this
I will be 10 minutes late
On my way
Running late, traffic
Is parking available?
What time do you close?
How much is it?
I'd like two tickets please
Please call me
Call me after 5
Can you text me the address
Please send me the invoice
Happy birthday!
Great service as always
Love it
Received
I already paid
Not today
maybe next week
Yes, I'm coming with my wife
Which address?
Peru
Red
Seis
Top
Step
Shop
""",
    "with words that opt out elsewhere": """
stopping by at 5?
I can't stop laughing at this, thanks, see you at the end
stopped by, nobody was there
See you at the bus stop at 5
the end is near, he said
nonstop
weekend
See you this weekend
I'll be there by the weekend
please
pls pls
I will be at the tram stop
Is the last stop near your office?
We get off at the next stop, right?
My shift ends at 6
Does the sale end on Sunday or does it go on until Monday?
I'd be happy to attend till the end
until the end of the month I am away
End of May works for us
The nearest stop is Central
Stop by any time, we are open until nine
I want to stop by your office hours
Please do not cancel my appointment
do not cancel
Don't cancel, I'm coming
don't remove me from the list, I want to stay
Please don't unsubscribe me
Never stop sending these, they are hilarious
Why did you stop texting me?
Did you stop sending the newsletter? I miss it
Can you remove the old sofa when you deliver the new one?
Remove the onions please, we are allergic
I had to remove the tenant last year
Can you delete the second item from my order and keep the rest
What number should I call
My number is changing next week, I'll let you know
I will lose money at that price
Could you cancel the second order only and deliver the first?
I never quit smoking but I am trying hard to do it this year
How do I quit the app without losing my progress
You can text me any time
Don't forget me
don't call me tomorrow, call me on Friday
Please stop the delivery to my old address and send it to the new one
Text me the code again please
Take me to the address on file
Take the bins off the list of things to do
Leave me two bottles at the door
Leave it with my neighbour
Can you send me the list
I can't opt for a way out
out
Out of office until Monday
No more than two people
No more questions from me, thanks
We have no more milk at home, can you bring some with the order
I lost my number plate
Consent form is signed and attached
I consent
Wrong number
Not interested right now, maybe next year
I think you have the wrong number
Enough food for six people please
Delete my last message, I sent it by mistake
Halt is at the corner of Main and 5th
Is it too late to change the date without paying the fee to end it early?
Go away for two weeks from Friday, please hold my mail
That was the best show ever, I didn't want it to stop until midnight at least
The traffic came to a full stop
My contract has no end date on it, can you check that for me
At the end of the day it's your decision and I'm fine with both
The rain should end soon
I had to quit
Thanks, will cancel it tomorrow
I might have to cancel
Stop the story
""",
    "French": """
Oui merci
Non merci
D'accord, à demain
Je serai en retard de dix minutes
L'arrêt de bus est devant la maison
à quel arrêt dois-je descendre
Le bus ne s'arrête plus ici
Fin mai ça me va
C'est la fin de la semaine qui m'arrange
Plus de détails svp
Pouvez-vous annuler seulement le deuxième billet
Je peux venir mardi
""",
    "German": """
Ja bitte
Nein danke
Alles klar, bis morgen
Ich komme zehn Minuten später
Am Ende der Straße links
Ende Mai passt mir gut
Kann ich mich noch anmelden?
Das Wochenende passt
Wann ist Schluss heute?
Die Haltestelle ist direkt davor
Ich habe keine Nachrichten bekommen
Können Sie den Termin verschieben?
""",
    "Dutch": """
Ja graag
Nee dank je
Prima, tot morgen
Ik ben iets later
Waar kan ik me aanmelden?
Bij de bushalte om vijf uur
Eind mei is goed
""",
    "Swedish, Norwegian, Danish, Finnish": """
Ja tack
Nej tack
Vi ses i morgon
Jag kommer lite sent
När slutar mötet?
Ja takk
Jeg er forsinket
Ses i morgen
Hvornår slutter det?
Kiitos, nähdään huomenna
""",
    "Spanish": """
Sí gracias
No gracias
Vale, nos vemos mañana
Llego diez minutos tarde
La parada de autobús está en la esquina
Es muy alto para mí
El edificio más alto de la calle
La planta baja por favor
Baja California es precioso
Vivo en la planta baja
Voy a salir a las cinco
Quiero cancelar solo el segundo pedido
Para mañana está bien
Para cuándo sería
El fin de semana me va bien
No me llegó el código
""",
    "Portuguese": """
Sim obrigado
Não obrigado
Combinado, até amanhã
Vou sair agora de casa
Vou chegar atrasado
No fim de semana pode ser
Quero cancelar só o segundo ingresso
O ônibus vai parar na esquina
Chega que horas?
""",
    "Italian": """
Sì grazie
No grazie
Va bene, a domani
Arrivo tra dieci minuti
La fermata del bus è qui davanti
A fine mese va bene
Basta che mi dica l'ora
Può cancellare solo il secondo ordine?
""",
    "other languages": """
Tak, dziękuję
Nie, dziękuję
Będę w piątek
Koniec maja mi pasuje
Děkuji, přijdu
Hvala, vidimo se sutra
Köszönöm
Mulțumesc, vin mâine
Teşekkürler, geliyorum
Durak nerede
Спасибо, буду
Остановка рядом
Конец недели подойдёт
Ευχαριστώ
شكرا
תודה רבה
谢谢
好的
ありがとう
네 감사합니다
ขอบคุณครับ
Cảm ơn
Terima kasih
Salamat po
Theek hai
धन्यवाद
""",
}


def lines(replies: dict[str, str]) -> list[str]:
    """Return the replies of a table; a slash between blanks is a new line."""
    return [line.replace(" / ", "\n") for text in replies.values() for line in text.strip().split("\n")]
