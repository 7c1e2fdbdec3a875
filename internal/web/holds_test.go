package web_test

import (
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// everywhere are headers that every answer has, except for what is said in holds.
var everywhere = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// holds holds an answer to what holds for all of them: headers, no secret, and nothing on a page that could run.
func (p *page) holds() {
	p.t.Helper()
	where := p.method + " " + p.asked.Path
	for name, want := range everywhere {
		got := strings.Join(p.header.Values(name), " + ")
		switch {
		case name == "Cache-Control" && strings.HasPrefix(p.asked.Path, "/static/") && p.status == 200:
			want = "public, max-age=31536000, immutable"
		case name == "Content-Security-Policy" && p.header.Get("Content-Disposition") != "":
			want = "sandbox; default-src 'none'"
		}
		if got != want {
			p.t.Errorf("%s: %s is %q, want %q", where, name, got, want)
		}
	}
	if kind := p.header.Get("Content-Type"); kind == "" && p.body != "" {
		p.t.Errorf("%s: an answer without a type", where)
	}
	for name, values := range p.header {
		if text := strings.Join(values, " "); strings.Contains(text, klarnaPassword) {
			p.t.Errorf("%s: %s holds the password", where, name)
		}
	}
	p.hides(klarnaPassword)
	if p.doc != nil {
		p.inert(where)
		p.sound(where)
	}
}

// inert holds a page to having one script, of ours, and nothing else that could run or leads elsewhere.
func (p *page) inert(where string) {
	p.t.Helper()
	scripts := p.doc.Find("script")
	if src := scripts.AttrOr("src", ""); scripts.Length() != 1 || !strings.HasPrefix(src, "/static/app.") || scripts.Text() != "" {
		p.t.Errorf("%s: %d scripts, the first from %q", where, scripts.Length(), src)
	}
	if n := p.doc.Find("style, iframe, object, embed, base, svg, math, img, video, audio, frame, applet, marquee").Length(); n != 0 {
		p.t.Errorf("%s: %d elements that we never write", where, n)
	}
	p.doc.Find("*").Each(func(_ int, e *goquery.Selection) {
		for _, a := range e.Nodes[0].Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc", a.Key == "formaction":
				p.t.Errorf("%s: <%s> has %s=%q", where, e.Nodes[0].Data, a.Key, a.Val)
			case a.Key == "href", a.Key == "src", a.Key == "action":
				to, err := url.Parse(a.Val)
				if err != nil || to.Scheme != "" || to.Host != "" || strings.ContainsAny(a.Val, "\\\n\t") {
					p.t.Errorf("%s: <%s> leads to %q", where, e.Nodes[0].Data, a.Val)
				}
			}
		}
	})
}

// sound holds a page to what browsers and screen readers need: each id once, and there where it is named.
func (p *page) sound(where string) {
	p.t.Helper()
	ids := map[string]int{}
	p.doc.Find("[id]").Each(func(_ int, e *goquery.Selection) { ids[e.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n > 1 {
			p.t.Errorf("%s: %d elements have the id %q", where, n, id)
		}
	}
	for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "form"} {
		p.doc.Find("[" + name + "]").Each(func(_ int, e *goquery.Selection) {
			for _, id := range strings.Fields(e.AttrOr(name, "")) {
				if ids[id] == 0 {
					p.t.Errorf("%s: %s=%q, and there is no such id", where, name, id)
				}
			}
		})
	}
	p.doc.Find("a[href^='#']").Each(func(_ int, a *goquery.Selection) {
		if id := a.AttrOr("href", "")[1:]; ids[id] == 0 {
			p.t.Errorf("%s: a link to #%s, and there is no such id", where, id)
		}
	})
	if p.doc.Find("h1").Length() != 1 || p.doc.Find("title").Length() != 1 {
		p.t.Errorf("%s: %d headings and %d titles", where, p.doc.Find("h1").Length(), p.doc.Find("title").Length())
	}
}
