package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// languages are those that the page speaks; the first is what it is written in.
var languages = []language.Tag{language.English, language.Swedish, language.German}

// moments are how a time is written in each language.
var moments = map[language.Tag]string{
	language.English: "2 Jan 2006, 15:04 MST", language.Swedish: "2006-01-02 15:04 MST", language.German: "02.01.2006, 15:04 MST",
}

// words is the one catalogue of all that the page says. A text in English is its own key; words/LANGUAGE.json has
// what it is in another, and in English where it depends on a number.
type words struct {
	catalog *catalog.Builder
	match   language.Matcher
}

// phrase is a text, or one for each plural form of its number, the first argument.
type phrase map[string]string

// UnmarshalJSON takes a string, or an object by plural form.
func (p *phrase) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err == nil {
		*p = phrase{"other": text}
		return nil
	}
	return json.Unmarshal(b, (*map[string]string)(p))
}

// readWords reads the catalogue of a language.
func readWords(tag language.Tag) (all map[string]phrase, err error) {
	name := path.Join("words", tag.String()+".json")
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

func loadWords() (*words, error) {
	w := &words{catalog: catalog.NewBuilder(catalog.Fallback(language.English)), match: language.NewMatcher(languages)}
	for _, tag := range languages {
		all, err := readWords(tag)
		if err != nil {
			return nil, err
		}
		for key, p := range all {
			if len(p) == 1 {
				err = w.catalog.SetString(tag, key, p["other"])
			} else {
				err = w.catalog.Set(tag, key, plural.Selectf(1, "%d", plural.One, p["one"], plural.Other, p["other"]))
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return w, nil
}

// speaker speaks one language.
type speaker struct {
	Lang    string
	tag     language.Tag
	printer *message.Printer
}

// languageCookie holds the language that somebody has chosen.
const languageCookie = "hppsend-language"

// speaker speaks what the browser prefers, or what its user has chosen.
func (w *words) speaker(r *http.Request) speaker {
	var wanted []language.Tag
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if tag, err := language.Parse(cookie.Value); err == nil {
			wanted = append(wanted, tag)
		}
	}
	if len(wanted) == 0 {
		wanted, _, _ = language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	}
	_, i, _ := w.match.Match(wanted...)
	tag := languages[i]
	return speaker{tag.String(), tag, message.NewPrinter(tag, message.Catalog(w.catalog))}
}

// T says a text in the language, with its arguments.
func (s speaker) T(text string, args ...any) string { return s.printer.Sprintf(text, args...) }

// N writes a number.
func (s speaker) N(n int) string { return s.printer.Sprintf("%d", n) }

// When writes a time, with its zone.
func (s speaker) When(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return s.WhenIn(t, time.Local)
}

// WhenIn writes a time as it is in a zone, which it names.
func (s speaker) WhenIn(t time.Time, zone *time.Location) string {
	return t.In(zone).Format(moments[s.tag])
}

// Takes writes how long something takes.
func (s speaker) Takes(d time.Duration) string {
	switch {
	case d < time.Minute:
		return s.T("less than a minute")
	case d < 2*time.Hour:
		return s.T("about %d minutes", int(d.Round(time.Minute)/time.Minute))
	}
	return s.T("about %d hours", int(d.Round(time.Hour)/time.Hour))
}

// Languages lists what the page speaks, each by its own name.
func (s speaker) Languages() [][2]string {
	return [][2]string{{"en", "English"}, {"sv", "Svenska"}, {"de", "Deutsch"}}
}

// setLanguage keeps the language that somebody chooses.
func (c *call) setLanguage() error {
	tag := c.r.PostFormValue("language")
	if _, ok := moments[language.Make(tag)]; ok {
		http.SetCookie(c.w, &http.Cookie{
			Name: languageCookie, Value: tag, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: c.secure(), SameSite: http.SameSiteLaxMode,
		})
	}
	c.redirect(local(c.r.PostFormValue("to")))
	return nil
}

// word is what a page says after a redirect: one of these, whatever an address may hold.
func (c *call) word(what string) string {
	switch what {
	case "uploaded":
		return c.say.T("The file is here and checked. Nothing is sent yet.")
	case "read":
		return c.say.T("The file is read as you said.")
	case "saved":
		return c.say.T("Saved.")
	case "filled":
		return c.say.T("The cells are filled. \"Undo\" takes all of them back.")
	case "undone":
		return c.say.T("Taken back.")
	case "unchanged":
		return c.say.T("Nothing was changed.")
	case "asked":
		return c.say.T("Approval is asked for. Whoever may approve is told, if this server tells people.")
	case "approved":
		return c.say.T("Approved.")
	case "sent-back":
		return c.say.T("Sent back, with your reason.")
	case "withdrawn":
		return c.say.T("It can be changed again. Approval has to be asked for anew.")
	case "stopping":
		return c.say.T("It stops: the calls under way end, and no new ones are made.")
	case "settled":
		return c.say.T("Settled.")
	case "deleted":
		return c.say.T("The upload was deleted. What was sent is still known, so that nobody is messaged twice.")
	case "roles":
		return c.say.T("The roles are changed. The person has to sign in again.")
	case "listed":
		return c.say.T("The list holds from now on, for all that is checked or started. What is being sent now goes on as it was begun: stop it and go on, and the list holds for the rest.")
	case "unlisted":
		return c.say.T("The list holds no longer. What was approved while it held is not sent to whom it named.")
	case "disabled":
		return c.say.T("The person cannot sign in any more.")
	case "enabled":
		return c.say.T("The person may sign in again, with a new invitation.")
	case "ended":
		return c.say.T("That browser is signed out.")
	case "signed-out":
		return c.say.T("You are signed out.")
	}
	return ""
}

// capital begins a text with a capital letter.
func capital(text string) string {
	if text == "" {
		return ""
	}
	r := []rune(text)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}
