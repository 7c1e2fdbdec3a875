package reader

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"hppsend/pipeline"
)

// The fields of ours, in the order in which they are shown.
const (
	fieldSession = pipeline.FieldSession
	fieldURL     = pipeline.FieldURL
	fieldMethod  = pipeline.FieldMethod
	fieldPhone   = pipeline.FieldPhone
	fieldCountry = pipeline.FieldPhoneCountry
	fieldEmail   = pipeline.FieldEmail
)

var fieldNames = []string{fieldSession, fieldURL, fieldMethod, fieldPhone, fieldCountry, fieldEmail}

// synonyms are the headers that stand for a field, whole: "order id" is never a session. Case, spaces,
// punctuation and accents do not matter, nor how ö, ø and å are spelt. To add one, add it here.
var synonyms = map[string][]string{
	fieldSession: {
		"session_id", "session", "session ids", "session identifier", "session number", "session no",
		"hpp session id", "hpp session", "hpp id", "klarna session id", "klarna session", "klarna hpp session id",
		"klarna hpp session", "payment session id", "payment session",
		"Sitzung", "Sitzungs-ID", "Sitzungskennung", "Sitzungsnummer", "Session-Nummer", // German
		"Sessions-ID", "Sessionsid", "Sessionsnummer", "Betalsession", // Swedish
		"Sesjon", "Sesjons-ID", "Sesjonsnummer", "Økt-ID", // Norwegian
		"Sessionsnr",                                  // Danish
		"Istunto", "Istunnon tunnus", "Istuntotunnus", // Finnish
		"Sessie", "Sessie-ID", "Sessienummer", // Dutch
		"ID de session", "Identifiant de session", "Identifiant session", "Numéro de session", // French
		"Sesión", "ID de sesión", "Identificador de sesión", "ID sesión", // Spanish
		"Sessione", "ID sessione", "ID della sessione", "Identificativo sessione", // Italian
		"Sesja", "ID sesji", "Identyfikator sesji", "Numer sesji", // Polish
		"Sessão", "ID da sessão", "ID de sessão", "Identificador da sessão", // Portuguese
	},
	fieldURL: {
		"distribution_url", "distribution link", "distribute url", "hpp distribution url",
		"klarna distribution url", "session distribution url",
		"Verteilungs-URL", "Versand-URL", // German
		"Distributions-URL", "Distributionslänk", // Swedish
		"Distribusjons-URL", "Distribusjonslenke", // Norwegian
		"Distributionslink",          // Danish
		"Jakelu-URL", "Jakeluosoite", // Finnish
		"Distributie-URL", "Distributielink", // Dutch
		"URL de distribution", "Lien de distribution", // French
		"URL de distribución", "Enlace de distribución", // Spanish
		"URL di distribuzione", "Link di distribuzione", // Italian
		"URL dystrybucji", "Adres URL dystrybucji", // Polish
		"URL de distribuição", "Link de distribuição", // Portuguese
	},
	fieldMethod: {
		"method", "distribution method", "delivery method", "contact method", "channel", "distribution channel",
		"contact channel", "send via", "send by", "sms or email",
		"Methode", "Versandart", "Versandweg", "Kanal", "Zustellart", "Kontaktweg", // German
		"Metod", "Kontaktmetod", "Utskickssätt", "Distributionsmetod", // Swedish
		"Metode", "Kontaktmetode", "Distribusjonsmetode", // Norwegian
		"Distributionsmetode", "Forsendelsesmetode", // Danish
		"Menetelmä", "Kanava", "Lähetystapa", "Yhteydenottotapa", // Finnish
		"Kanaal", "Verzendmethode", "Contactmethode", // Dutch
		"Méthode", "Méthode d'envoi", "Mode d'envoi", "Canal", // French
		"Método", "Método de envío", "Método de contacto", // Spanish
		"Metodo", "Metodo di invio", "Canale", // Italian
		"Metoda", "Metoda wysyłki", "Kanał", // Polish
		"Método de envio", "Método de contato", // Portuguese
	},
	fieldPhone: {
		"phone", "phone number", "phone no", "phone nr", "telephone", "telephone number", "tel", "tel no",
		"phone 1 - value", "billing phone", "billing phone number", "person mobile phone", "person phone", // of exports
		"contact: phone", "contact: mobile", "contact mobile phone", "primary phone", "primary phone number", "sms phone number",
		"mobile", "mobile number", "mobile no", "mobile phone", "mobile phone number", "cell", "cell phone",
		"cell phone number", "cellphone", "sms number", "contact phone", "contact phone number", "contact number",
		"customer phone", "customer phone number", "customer mobile", "msisdn",
		"Telefon", "Telefonnummer", "Telefon-Nr.", "Tel.-Nr.", "Handy", "Handynummer", "Handy-Nr.", "Mobil",
		"Mobilnummer", "Mobil-Nr.", "Mobiltelefon", "Mobiltelefonnummer", "Rufnummer", "Mobilfunknummer", // German
		"Mobilnr", "Telefonnr", "Telnr", "Mobiltelefonnr", // Swedish
		"Tlf", "Tlf nr", "Tlf nummer", "Mobiltlf", "Mobil tlf", // Norwegian
		"Mobilnummeret", "Mobil telefon", // Danish
		"Puhelin", "Puhelinnumero", "Puh", "Puhelinnro", "Matkapuhelin", "Matkapuhelinnumero", "Kännykkä",
		"Kännykkänumero", // Finnish
		"Telefoon", "Telefoonnummer", "Mobiel", "Mobiel nummer", "Mobiele telefoon", "Mobiele nummer",
		"Gsm", "Gsm-nummer", // Dutch
		"Téléphone", "Numéro de téléphone", "N° de téléphone", "No de téléphone", "Tél", "Portable", "Téléphone portable",
		"Téléphone mobile", "Tél. portable", "Tél. mobile", "Numéro de portable", "Numéro de mobile", // French
		"Teléfono", "Número de teléfono", "Nº de teléfono", "Nº de móvil", "Móvil", "Teléfono móvil", "Número de móvil", "Celular",
		"Número de celular", "Teléfono celular", // Spanish
		"Telefono", "Numero di telefono", "Cellulare", "Telefono cellulare", "Numero di cellulare",
		"Numero cellulare", "Recapito telefonico", // Italian
		"Numer telefonu", "Nr telefonu", "Telefon komórkowy", "Komórka", "Numer komórki",
		"Numer telefonu komórkowego",                                                                                                  // Polish
		"Telefone", "Número de telefone", "Nº de telefone", "Nº de telemóvel", "Telemóvel", "Número de telemóvel", "Telefone celular", // Portuguese
	},
	fieldCountry: {
		"phone_country", "phone country code", "country", "country code", "country iso", "iso country code",
		"country of phone", "mobile country", "phone region",
		"Land", "Ländercode", "Länderkürzel", "Landeskürzel", "Laendercode", "Telefonland", // German
		"Landskod",               // Swedish
		"Landkode",               // Norwegian
		"Landekode", "Landskode", // Danish
		"Maa", "Maakoodi", "Maatunnus", // Finnish
		"Landcode",                                               // Dutch
		"Pays", "Code pays", "Code du pays", "Pays du téléphone", // French
		"País", "Código de país", "Código país", "País del teléfono", // Spanish
		"Paese", "Codice paese", "Nazione", "Codice nazione", // Italian
		"Kraj", "Kod kraju", "Państwo", "Kraj telefonu", // Polish
		"Código do país", "País do telefone", // Portuguese
	},
	fieldEmail: {
		"e-mail 1 - value", "billing email", "billing email address", "person email", "contact: email", // of exports
		"primary email", "primary email address",
		"email", "e-mail", "mail", "email address", "e-mail address", "mail address", "customer email",
		"customer email address", "contact email", "contact email address", "email id",
		"E-Mail-Adresse", "Mailadresse", "Emailadresse", "Kunden-E-Mail", // German
		"E-post", "E-postadress", "Epostadress", "Mejl", "Mejladress", "Mailadress", "E-mailadress", // Swedish
		"E-postadresse", "Epost", // Norwegian
		"E-mailadresse",                                  // Danish
		"Sähköposti", "Sähköpostiosoite", "Email-osoite", // Finnish
		"E-mailadres", "Mailadres", "Emailadres", // Dutch
		"Courriel", "Adresse e-mail", "Adresse email", "Adresse mail", "Adresse courriel",
		"Adresse électronique", "Mél", // French
		"Correo", "Correo electrónico", "Dirección de correo", "Dirección de correo electrónico",
		"Dirección de email", // Spanish
		"Posta elettronica", "Indirizzo e-mail", "Indirizzo email", "Indirizzo mail",
		"Indirizzo di posta elettronica",                                       // Italian
		"Adres e-mail", "Adres email", "Poczta elektroniczna", "Adres mailowy", // Polish
		"Correio eletrónico", "Correio eletrônico", "Endereço de e-mail", "Endereço de email",
		"Endereço eletrónico", // Portuguese
	},
}

// expirySynonyms are the headers that say when a session expires. What is valid until a day may be a voucher, and what
// is due on one an invoice: these are none of them.
var expirySynonyms = []string{
	"expires_at", "expires", "expires on", "expiry", "expiry date", "expiry time", "expiration", "expiration date", "expiration time",
	"session expires", "session expires at", "session expiry", "session expiration", "link expires", "link expires at",
	"Ablaufdatum", "Läuft ab", "Läuft ab am", "Ablauf der Sitzung", // German
	"Går ut", "Går ut den", "Utgångsdatum", "Utgår", // Swedish
	"Utløper", "Utløpsdato", // Norwegian
	"Udløber", "Udløbsdato", // Danish
	"Vanhenee", "Vanhenemisaika", "Vanhenemispäivä", // Finnish
	"Verloopt", "Verloopt op", "Verloopdatum", // Dutch
	"Expire le", "Date d'expiration", "Expiration de la session", // French
	"Caduca", "Caduca el", "Fecha de caducidad", "Fecha de expiración", // Spanish
	"Scade", "Scade il", "Data di scadenza della sessione", // Italian
	"Wygasa", "Data wygaśnięcia", // Polish
	"Expira em", "Data de expiração", // Portuguese
}

var isExpiry = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, n := range expirySynonyms {
		all[fold(n)] = true
	}
	return all
})

// fieldOf gives the field that a folded header stands for.
var fieldOf = sync.OnceValue(func() map[string]string {
	fields := map[string]string{}
	for field, names := range synonyms {
		for _, n := range names {
			fields[fold(n)] = field
		}
	}
	return fields
})

// spellings are letters that have no accent to take off. They come after the accents are off.
var spellings = strings.NewReplacer("ø", "o", "æ", "ae", "ß", "ss", "ł", "l", "đ", "d", "œ", "oe")

// fold gives what headers are compared by: letters and digits in lower case, without accents.
func fold(name string) string {
	decomposed := norm.NFKD.String(strings.ToLower(name))
	return spellings.Replace(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, decomposed))
}
