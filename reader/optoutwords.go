package reader

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// meaning is what a header or a cell says of somebody's wish to be messaged.
type meaning uint8

const (
	unsaid  meaning = iota // neither
	optOut                 // a header over those who want no messages; a cell that says so
	consent                // a header over those who want them; a cell that says so
	yes                    // of a cell: what its header says is so
	no
	nothing // of a cell: it is empty, in whatever form
	onDate  // of a cell: since then what its header says is so
)

// optOutStems are what a header over those who want no messages has in it, folded, and consentStems one over those who
// have agreed to them. To add one, add it here; test words, in all twelve languages, are in optout_test.go.
var optOutStems = foldAll(`
unsubscri optout optedout do-not-call do-not-contact do-not-email do-not-e-mail do-not-mail do-not-sms do-not-text do-not-message
dont-call dont-contact dont-email no-marketing no-calls no-solicit marketing-objection email-blocked sms-blocked
abgemeldet abmeldung abmelde abbestellt ausgetragen werbesperre kontaktsperre mailsperre newslettersperre anrufsperre werbewiderspruch
werbewiderruf werbeverbot keine-werbung nicht-kontaktieren nicht-anrufen keine-mails
avregistrer avanmäl avprenumerer ring-inte ringer-inte kontakta-inte ej-kontakt ej-reklam reklamspärr inga-utskick
avmeldt avmelding avmeld ikke-ring ikke-kontakt reservert-mot reservasjon-mot
afmeldt afmelding afmeld frameldt framelding ring-ikke kontakt-ikke ikke-reklame
markkinointikielto alä-soita ei-saa-soittaa ei-markkinointia ei-saa-ottaa-yhteyttä tilaus-peruttu uutiskirje-peruttu kieltänyt
uitgeschreven uitschrijving uitschrijf afgemeld niet-bellen niet-mailen niet-benaderen bel-me-niet niet-contacteren geen-reclame
désinscri désabonn ne-pas-appeler ne-pas-contacter ne-pas-solliciter bloctel refus-marketing opposition-marketing liste-d-opposition
dado-de-baja dada-de-baja no-llamar no-contactar no-molestar lista-robinson suscripción-cancelada canceló-suscripción no-enviar
disiscri non-chiamare non-contattare non-inviare registro-opposizioni
wypisan rezygnacja-z-newslettera nie-dzwonić nie-kontaktować nie-wysyłać sprzeciw
descadastr não-ligar não-contactar não-contatar não-enviar não-perturbe cancelou-a-inscrição cancelou-inscrição`)

var consentStems = foldAll(`
consent opted-in double-opt-in marketing-permission email-permission e-mail-permission sms-permission contact-permission permission-to-contact
permission-to-email accepts-marketing accepts-email accepts-sms marketing-allowed may-contact may-email may-call can-contact newsletter-subscribed
subscribed-to is-subscribed
einwilligung einverständnis werbeerlaubnis werbezustimmung newsletteranmeldung kontakterlaubnis
samtycke godkänner-marknadsföring godkänner-utskick
samtykke markedsføringstillatelse markedsføringstilladelse nyhedsbrevstilladelse
suostumus markkinointilupa
toestemming
consentement accord-marketing accepte-la-publicité accepte-les-offres
consentimiento acepta-publicidad acepta-marketing acepta-comunicaciones autoriza-publicidad
consenso accetta-marketing
zgoda
consentimento aceita-marketing aceita-publicidade`)

// The headers that mean it by themselves, and the words that do among others; longer names that have these letters in
// them mean something else.
var (
	optOutNames  = folds(`nocontact blacklist blacklisted blocklist blocklisted suppressed suppression robinson robinsonliste baja fecha-de-baja opposition opposizione oposición sperrvermerk do-not-disturb`)
	consentNames = folds(`subscribed subscriber permission permissions newsletter newsletters nyhetsbrev nyhedsbrev uutiskirje nieuwsbrief optin`)
	optOutWords  = folds(`dnc dnd unsub nix`)
	consentWords = folds(`gdpr dsgvo rgpd rodo lgpd optin`)
	takenBack    = foldAll(`withdraw revok denied declined refus widerruf abgelehnt återkall nekat trukket tilbagetrukket peruut ingetrokken geweigerd retir revoc revog wycofan negad negat erasure erase deletion delete forgotten rechazad rifiutat recusad`)
	without      = folds(`no not without kein keine ohne utan inget uten ingen uden zonder geen sans pas sin senza non bez brak sem sans ei`)
)

func foldAll(text string) (all []string) {
	for w := range strings.FieldsSeq(text) {
		all = append(all, fold(w))
	}
	return all
}

func folds(text string) map[string]bool {
	all := map[string]bool{}
	for _, w := range foldAll(text) {
		all[w] = true
	}
	return all
}

// aLink is how the names of columns end that hold the way to unsubscribe, for letters.
var aLink = regexp.MustCompile(`(url|link|links|href|page|lank|lenke|linkki|lien|enlace)$`)

// wishOf tells a header that says who is not to be messaged, or who may be, from every other. What is a field of ours
// is none.
func wishOf(header string) meaning {
	name := fold(header)
	if name == "" || fieldOf()[name] != "" || strings.HasPrefix(name, "hpp") || aLink.MatchString(name) {
		return unsaid
	}
	words := wordsOf(header)
	has := func(stems []string) bool {
		return slices.ContainsFunc(stems, func(s string) bool { return strings.Contains(name, s) })
	}
	any := func(of map[string]bool) bool { return slices.ContainsFunc(words, func(w string) bool { return of[w] }) }
	switch {
	case has(optOutStems), optOutNames[name], any(optOutWords):
		return optOut
	case has(consentStems), consentNames[name], any(consentWords), optsIn(words):
		if has(takenBack) || any(without) {
			return optOut
		}
		return consent
	}
	return unsaid
}

// optsIn finds "opt in" written as two words; "option" is none.
func optsIn(words []string) bool {
	for i := 1; i < len(words); i++ {
		if words[i-1] == "opt" && words[i] == "in" {
			return true
		}
	}
	return false
}

// wordsOf gives the words of a header, folded: they end where a capital follows a small letter, too.
func wordsOf(header string) (words []string) {
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, fold(string(word)))
		}
		word = nil
	}
	small := false
	for _, r := range header {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || small && unicode.IsUpper(r) {
			end()
		}
		if small = unicode.IsLower(r); unicode.IsLetter(r) || unicode.IsDigit(r) {
			word = append(word, r)
		}
	}
	end()
	return words
}

// wishWords are what cells say, in the twelve languages.
var wishWords = map[meaning]string{
	yes: `yes y true t 1 x on checked ja j wahr sant sann sand kyllä k tosi oui o vrai sí si s verdadero sì vero tak prawda sim verdadeiro waar`,
	no:  `no n false f 0 off unchecked nein falsch nej falskt nei usann falsk ei e epätosi non faux falso nie fałsz não nee onwaar`,
	optOut: `unsubscribed unsubscribe opted-out opt-out out blocked suppressed withdrawn revoked denied declined refused do-not-contact do-not-call do-not-email
			never-subscribed not-subscribed non-subscribed abgemeldet widerrufen abgelehnt gesperrt nicht-erteilt avregistrerad avanmäld avprenumererad återkallat nekat
			avmeldt reservert trukket afmeldt frameldt peruttu peruutettu kielletty uitgeschreven afgemeld ingetrokken geweigerd désinscrit désinscrite désabonné désabonnée
			refusé retiré dado-de-baja dada-de-baja baja cancelado cancelada rechazado revocado disiscritto disiscritta revocato negato rifiutato wypisany wypisana wycofana
			odmowa brak-zgody descadastrado descadastrada revogado recusado pending`,
	consent: `subscribed opted-in opt-in in granted given accepted confirmed agreed allowed consented angemeldet erteilt zugestimmt bestätigt samtyckt godkänd godkänt
			prenumererar påmeldt samtykket gitt tilmeldt givet tilattu annettu sallittu myönnetty ingeschreven aangemeld gegeven akkoord inscrit inscrite abonné abonnée accepté donné
			suscrito suscrita aceptado otorgado alta iscritto iscritta accettato concesso zapisany zapisana wyrażona udzielona potwierdzona inscrito inscrita aceito aceite concedido`,
	nothing: `null nil`,
}

// wishes are those words, folded.
var wishes = sync.OnceValue(func() map[string]meaning {
	all := map[string]meaning{"10": yes, "00": no} // 1.0 and 0.0, as programs write them
	for of, text := range wishWords {
		for _, w := range foldAll(text) {
			all[w] = of
		}
	}
	return all
})

// signs are what cells say without a letter.
var signs = map[string]meaning{
	"": nothing, "-": nothing, "–": nothing, "—": nothing, "✓": yes, "✔": yes, "☑": yes, "✅": yes, "✔️": yes, "☒": yes, "✗": no, "✘": no, "❌": no, "☐": no,
}

var (
	someDate = regexp.MustCompile(`^(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](\d{4}|\d\d)|(19|20)\d{6})([ T,]+\d\d?[:.]\d\d([:.]\d\d(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?( ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?)?$`)
	noDate   = regexp.MustCompile(`^0{4}-00-00`)
	inWords  = []string{"Jan 2, 2006", "January 2, 2006", "2 Jan 2006", "2 January 2006", time.RFC1123, time.RFC1123Z, "Jan 2, 2006 3:04 PM", "Mon Jan 2 15:04:05 2006"}
)

// said gives what a cell says; unsaid where nobody here knows.
func said(text string) meaning {
	text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '\'' })
	if sign, ok := signs[text]; ok {
		return sign
	}
	switch {
	case len(text) > 60:
		return unsaid
	case noDate.MatchString(text):
		return nothing
	case someDate.MatchString(text):
		return onDate
	}
	for _, layout := range inWords {
		if _, err := time.Parse(layout, text); err == nil {
			return onDate
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -_.()", r) && !unicode.IsMark(r)
	}) {
		return unsaid
	}
	return wishes()[fold(text)]
}

// optedOut reports whether a cell under such a header holds its row back, if that can be told.
func (header meaning) optedOut(cell meaning) (out, known bool) {
	switch cell {
	case yes, onDate:
		return header == optOut, true
	case no:
		return header == consent, true
	case nothing: // nobody has opted out, and nobody has agreed
		return header == consent, true
	case optOut:
		return true, true
	case consent:
		return false, true
	case unsaid:
	}
	return false, false
}
