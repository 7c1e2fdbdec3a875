package contact

import "strings"

// ordinary are the words of which messages, codes, dates and addresses of machines are made, and the names
// of mailboxes and of providers that belong to nobody: a local part or a domain of that name is not looked
// for without the rest of its address, or no message could be read.
var ordinary = words(`
a ability able about above accept accepted accepts access account accounts action active add added address addresses admin
after again agent all allow allowed already also am amount an and another answer any api app application are area as ask at
attempt attempts auth authority authorisation authorise authorised authorization authorize authorized available back bad
base be because been before being below between billing blocked body both box broke broken but buy by byte bytes call
called calling calls can cancel cancelled cannot card cart case cause certificate change changed channel channels char
character characters check checkout checked city clear client close closed code codes com company complete completed config
connection constraint consumer consumers contact contacts content context correct correlation could country create created
credential credentials currency came cut customer customers data date day days de debug default delay delete deleted delivered delivery
denied description detail details device did different digit digits disabled distribute distributed distribution does
domain done down duplicate duplicated each either element else email emails empty en enabled end ended ending endpoint enough
entity entry error errors event every example exceed exceeded exception exist existing exists expected expire expired
expires external fail failed fails failure false fault feature few field fields file final finance finished first for forbidden
format found from full future gateway general get give given go good got group had handle handled has hash have header headers
hello help here him his hold home host hotmail hour hours how hpp html http https icloud id identifier if ignored image in info
information input inside instead integer internal into invalid invalidate is issue it item items its json just keep key keys
kind klarna kontakt language last later layer least left length less letter limit limited limits line link list live local
locale location locked log login long lost made mail mailbox main make malformed many market match matches max maximum may
member merchant message messages method methods min minimum minute minutes missing mobile mode moment month more most must my name
names national need needs network never new news next no none noreply normal nor not note nothing notification now null
number numbers object of off office ok old on once one only open operation option or order orders origin other our out
outlook over own page parameter parameters parse part passed password past path payload payment pending per permission
permitted person phone phones place placed platform please plus policy portal possible post prefix present problem process
processed product production project property protected provided provider proxy public purchase query queue quota range rate
reach reached read reason receive received recipient redirect ref reference refused region register registered reject
rejected remote repeat reply report request requested requests required requires reset resource resources respond response
result retry return returned right role root route row rule run sale sales same sandbox save says schema second seconds secret
security see select send sender sending sent server service services session sessions set shall shipping shop short should
sign since size slow sms so some soon source specified start started state status stop stopped store string sub such suffix
supplied support supported suspended system take taken target task team temporary test tested text than that the their
them then there these they this those throttled time timed timeout times title to token too total trace transaction true
trunk try trying turn two type unable unauthorised unauthorized unavailable uncertain unclear under unexpected unique unknown
unless unreachable unreadable unsupported until unusable up update updated upstream url us usage use used user username users
uuid valid validate validation value values version via violation wait was way we web webmaster were what when where which
while who why will with within without word work wrong www xml year yes yet you your zero zone
abuse accounting administrator bookkeeping contabilidad faktura facturation hostmaster invoice invoices jobs kundenservice
marketing postmaster press privacy rechnung reception sekretariat verwaltung webshop
agreed bounds bound bytes chain chunk dial dns eof fetched firewall handshake home interrupted mistyped otherwise refuses
resolved says socket speak tcp tls trusted went written
gmail googlemail yahoo live msn proton protonmail gmx aol
monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
january february march july september october november december feb mar apr jul aug sep oct nov dec
utc gmt cet cest
`)

func words(text string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		all[w] = true
	}
	return all
}
