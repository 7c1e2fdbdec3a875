package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// call is one request.
type call struct {
	*Server
	w    http.ResponseWriter
	r    *http.Request
	seat *desk.Seat // nil when nobody is signed in
	say  speaker
}

func (s *Server) newCall(w http.ResponseWriter, r *http.Request) *call {
	return &call{Server: s, w: w, r: r, say: s.words.speaker(r)}
}

func (c *call) ctx() context.Context { return c.r.Context() }

// id is that of the upload, or the like, which the path names.
func (c *call) id() string { return c.r.PathValue("id") }

// cookieName is one for each port, since browsers send cookies to all ports of a machine.
func (s *Server) cookieName() string {
	if s.secure() {
		return "__Host-hppsend"
	}
	return "hppsend-" + s.PublicURL.Port()
}

// identify finds out who asks.
func (c *call) identify(quiet bool) error {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil {
		return nil
	}
	ask := c.Desk.Seat
	if quiet {
		ask = c.Desk.Peek
	}
	seat, ok, err := ask(c.ctx(), cookie.Value)
	if ok {
		c.seat = seat
	}
	return err
}

// signIn makes the browser one in which a person is signed in; what it was before is over.
func (c *call) signIn(person string) error {
	if c.seat != nil {
		if err := c.seat.EndSession(c.ctx(), ""); err != nil && status(err) != http.StatusNotFound { // as after a change of roles
			return err
		}
	}
	token, err := c.Desk.Begin(c.ctx(), person, c.r.UserAgent())
	if err != nil {
		return err
	}
	c.setCookie(token, 0)
	return nil
}

func (c *call) setCookie(value string, age int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: c.cookieName(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: c.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// toSignIn sends who is not signed in to where that is done, and back afterwards.
func (c *call) toSignIn() {
	if c.r.Method != http.MethodGet || strings.Contains(c.r.Header.Get("Accept"), "event-stream") || strings.HasSuffix(c.r.URL.Path, ".json") {
		c.fail(errSignedOut)
		return
	}
	c.redirect("/sign-in?" + query("to", c.r.URL.RequestURI()))
}

// redirect answers a form: the browser asks for another page.
func (c *call) redirect(to string) { http.Redirect(c.w, c.r, to, http.StatusSeeOther) }

// said redirects to a page that says what was done.
func (c *call) said(path, what string) error {
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	c.redirect(path + join + query("said", what))
	return nil
}

// local is a path of ours, out of what somebody may have put into an address; else the first page.
func local(path string) string {
	if len(path) > 500 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") || strings.HasPrefix(path, "/sign-") {
		return "/"
	}
	return path
}

// The refusals of the page itself.
var (
	errNoPage    = &desk.Refusal{Code: desk.NotFound, Problem: "there is no such page", Todo: "see that the address is right"}
	errForeign   = &desk.Refusal{Code: desk.Forbidden, Problem: "this was not asked by a page of ours", Todo: "go back to the page, and try again there"}
	errSignedOut = &desk.Refusal{Code: desk.Forbidden, Problem: "you are not signed in any more; nothing was changed", Todo: "sign in, and do it again"}
)

func tooLarge(err error) error {
	if limit := (*http.MaxBytesError)(nil); errors.As(err, &limit) {
		return &desk.Refusal{Code: desk.TooMuch, Problem: "this is more than a form may hold", Todo: fmt.Sprintf("it may have %s", desk.Bytes(limit.Limit))}
	}
	return &desk.Refusal{Code: desk.Invalid, Problem: "what the browser sent cannot be read", Todo: "go back, and try again"}
}

// status is the HTTP status of an error.
func status(err error) int {
	refusal := (*desk.Refusal)(nil)
	clashes := desk.Clashes(nil)
	known := (*pipeline.Error)(nil)
	switch {
	case errors.As(err, &refusal):
		return map[desk.Code]int{
			desk.Invalid: http.StatusUnprocessableEntity, desk.Conflict: http.StatusConflict, desk.Forbidden: http.StatusForbidden,
			desk.NotFound: http.StatusNotFound, desk.TooMuch: http.StatusRequestEntityTooLarge, desk.TooSoon: http.StatusTooManyRequests, desk.Gone: http.StatusGone,
		}[refusal.Code]
	case errors.As(err, &clashes):
		return http.StatusConflict
	case errors.As(err, &known) && (known.Kind == pipeline.BadInput || known.Kind == pipeline.Usage):
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

// mistake is what a person is told of an error: what is wrong, where in the form, and what to do.
type mistake struct{ Text, Todo, Field string }

// mistakes gives what people are told of an error; nothing of an error that is ours alone.
func (c *call) mistakes(err error) []mistake {
	refusal := (*desk.Refusal)(nil)
	clashes := desk.Clashes(nil)
	known := (*pipeline.Error)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return []mistake{{c.sentence(refusal.Problem), c.sentence(refusal.Todo), refusal.Field}}
	case errors.As(err, &clashes):
		var all []mistake
		for _, one := range clashes {
			text := c.say.T("Row %d: meanwhile %s typed \"%s\", and you typed \"%s\".", one.Row, one.By, one.Theirs, one.Yours)
			all = append(all, mistake{text, c.say.T("Save once more if yours is to stand."), cellID(one.Cell)})
		}
		return all
	case status(err) == http.StatusUnprocessableEntity && errors.As(err, &known):
		place := known.Place
		place.File = ""
		text := known.Problem
		if at := strings.TrimPrefix(place.String(), ", "); at != "" {
			text = at + ": " + text
		}
		return []mistake{{c.sentence(text), "", ""}}
	}
	return []mistake{{c.say.T("Something went wrong on our side."), c.say.T("Try again; if it stays, tell whoever runs this server. Nothing was lost."), ""}}
}

// maxRefusals is how many faults of a file a page tells of one by one.
const maxRefusals = 500

// refusals gives what people are told of why a file is refused as a whole: all that is wrong with it.
func (c *call) refusals(err error) (all []mistake) {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return c.mistakes(err)
	}
	for _, one := range several.Unwrap() {
		if all = append(all, c.mistakes(one)...); len(all) == maxRefusals {
			break
		}
	}
	return all
}

// sentence is a refusal as a sentence in the reader's language.
func (c *call) sentence(text string) string {
	if text == "" {
		return ""
	}
	text = c.say.T(strings.ReplaceAll(text, "%", "%%")) // it may hold what somebody has typed
	text = capital(text)
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// fail shows an error on a page of its own.
func (c *call) fail(err error) {
	code := status(err)
	if code == http.StatusInternalServerError {
		c.Log.Error("a page could not be shown", "route", c.r.Pattern, "error", masked(err))
	}
	v := struct {
		view
		Code int
	}{c.view(""), code}
	v.Title = c.mistakes(err)[0].Text
	v.Mistakes = c.mistakes(err)
	for i := range v.Mistakes {
		v.Mistakes[i].Field = "" // the form is not on this page
	}
	if shown := c.render("error", code, v); shown != nil {
		http.Error(c.w, http.StatusText(code), code)
	}
}
